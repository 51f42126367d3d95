#include "api/render_attachments.h"

#include "text/text.h"

#include <boost/json.hpp>

namespace taizhang::api {

namespace json = boost::json;
using text::Msg;
using text::say;

namespace {

std::string word(const json::object& o, std::string_view key) {
    const auto* v = o.if_contains(key);
    if (!v) return {};
    return v->is_string() ? std::string(v->as_string()) : json::serialize(*v);
}

bool is_zero(const json::object& o, std::string_view key) { return word(o, key) == "0"; }

}  // namespace

std::string render_content(const json::object& o) {
    std::string out = "  " + word(o, "name") + "  " + word(o, "size") + " B  ";
    const auto state = word(o, "state");
    if (state == "here")
        out += say(Msg::content_here);
    else if (state == "partial")
        out += say(Msg::content_part, {word(o, "bytes_here"), word(o, "size")});
    else
        out += say(Msg::content_not_here);
    if (state != "here" && o.contains("wanted")) out += "; " + say(Msg::content_asked);
    for (const auto& l : o.at("levels").as_array()) {
        if (l.as_string() == "township") out += "; " + say(Msg::township_has);
        if (l.as_string() == "city") out += "; " + say(Msg::city_has);
    }
    if (o.contains("kept_until_asked")) out += "; " + say(Msg::content_kept);
    if (o.contains("refused")) out += "; " + say(Msg::content_refused, {text::choose(word(o, "refused"))});
    return out + "\n      " + word(o, "hash") + "\n";
}

std::string render_contents(const json::object& o) {
    std::string out;
    for (const auto& c : o.at("contents").as_array()) out += render_content(c.as_object());
    return out.empty() ? say(Msg::no_records) + "\n" : out;
}

std::string render_attached(const json::object& o) {
    return say(Msg::attached, {word(o, "name"), word(o, "size")}) + "\n  " + word(o, "hash") + "\n";
}

std::string render_file(const json::object& o) {
    return say(Msg::content_written, {word(o, "file"), word(o, "size")}) + "\n";
}

std::string render_files(const json::object& o) {
    std::string out = say(Msg::content_units, {word(o, "contents"), word(o, "bytes"), word(o, "quota_mb")}) + "\n";
    for (const auto& u : o.at("units").as_array()) {
        const auto& unit = u.as_object();
        out += "  " + word(unit, "unit") + "  " + word(unit, "contents") + "  " + word(unit, "bytes") + " B\n";
    }
    return out + "  " + say(Msg::files_left, {word(o, "unsent")}) + "\n";
}

std::string render_files_synced(const json::object& o) {
    std::string out;
    if (!is_zero(o, "sent") || !is_zero(o, "received") || !is_zero(o, "known"))
        out += say(Msg::files_done, {word(o, "sent"), word(o, "received"), word(o, "known"), word(o, "bytes_up"),
                                     word(o, "bytes_down")}) +
               "\n";
    for (const auto& r : o.at("refused").as_array())
        out += "  " + say(Msg::content_refused, {text::choose(std::string(r.as_string()))}) + "\n";
    if (!is_zero(o, "left")) out += "  " + say(Msg::files_left, {word(o, "left")}) + "\n";
    return out;
}

}  // namespace taizhang::api
