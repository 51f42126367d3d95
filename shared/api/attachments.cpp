#include "api/attachments.h"

#include "api/new_file.h"
#include "ledger/attachments.h"
#include "ledger/ledger.h"

#include <boost/json.hpp>

#include <algorithm>
#include <filesystem>

namespace taizhang::api {

namespace json = boost::json;

namespace {

constexpr std::size_t kNameMax = 400, kPieceBytes = 1u << 20;

Error usage(const char* zh, const char* en) { return fail(Errc::usage, std::string(zh) + " / " + en); }

std::string file_name(const Command& c) {
    auto name = c.has("name") ? c.option("name") : std::filesystem::path(c.args[1]).filename().string();
    if (name.size() > kNameMax) name = name.substr(name.size() - kNameMax);  // its ending says what it is
    while (!name.empty() && !is_utf8(name)) name.erase(0, 1);
    return name;
}

/// What a person names: a content by its whole hash, an attachment by its id, or all attachments of a record.
Result<std::vector<files::Reference>> named(node::Node& n, const std::string& what) {
    auto& index = n.contents().index();
    if (const auto hash = files::parse_hash(what)) {
        TRY(auto refs, index.references(*hash));
        if (!refs.empty()) return std::vector<files::Reference>{std::move(refs.front())};
        return fail(Errc::not_found,
                    "本机没有这个附件的记录:" + what + " / no record here names this content: " + what);
    }
    TRY(const auto rows, n.replica().find(what));
    if (rows.empty()) return fail(Errc::not_found, "本机没有记录 " + what + " / there is no record " + what + " here");
    TRY(auto refs, index.attachments(what));
    if (!refs.empty() || rows.front().entity != "evidence") return refs;
    TRY(const auto row, n.replica().read_row("evidence", what));
    for (const auto& [name, value] : row.fields)
        if (name == "hash")
            if (const auto hash = files::parse_hash(value.display())) {
                TRY(auto all, index.references(*hash));
                for (auto& ref : all)
                    if (ref.record == what) refs.push_back(std::move(ref));
            }
    return refs;
}

Result<json::value> described(node::Node& n, const std::vector<files::Reference>& refs) {
    json::array contents;
    for (const auto& ref : refs) {
        TRY(auto o, ledger::content_json(n.replica(), ref.hash, ref.size));
        o["id"] = ref.record;
        o["name"] = ref.name;
        contents.push_back(std::move(o));
    }
    return json::value{{"contents", std::move(contents)}};
}

}  // namespace

Result<json::value> attach(node::Node& n, const Command& c) {
    if (node::is_folder(c.args[1]))
        return fail(Errc::bad_input,
                    "这是文件夹,请给出文件:" + c.args[1] + " / this is a folder, give a file: " + c.args[1]);
    return attach_from(
        n, c, [&](std::uint64_t offset, std::size_t bytes) { return node::read_at(c.args[1], offset, bytes); });
}

Result<json::value> attach_from(node::Node& n, const Command& c, const files::Contents::Source& source) {
    TRY(const auto home, n.ledger().attachment_home(c.args[0]));
    ledger::Attached what;
    what.name = file_name(c);
    TRY(const auto measured, files::Contents::hash_of_source(source));
    what.hash = measured.first;
    what.size = measured.second;
    TRY(const auto known, n.contents().look(what.hash));
    TRY_VOID(n.contents().keep(source, what.hash, what.size, home.unit));
    auto saved = n.ledger().attach(c.args[0], what, c.option("person"));
    if (!saved) {
        if (!known) TRY_VOID(n.contents().drop_unnamed(what.hash));
        return saved.error();
    }
    auto o = saved_json(*saved).as_object();
    o["name"] = what.name;
    o["size"] = what.size;
    o["hash"] = what.hash.hex();
    return json::value(std::move(o));
}

Result<json::value> fetch(node::Node& n, const Command& c) {
    TRY(const auto refs, named(n, c.args[0]));
    Result<> none;
    std::size_t named_wrongly = 0;
    for (const auto& ref : refs) {
        const auto content = n.contents().expect(ref.hash);
        if (!content) {  // the others of the record can be fetched all the same
            if (content.error().code != Errc::not_found) return content.error();
            none = content.error();
            ++named_wrongly;
            continue;
        }
        if (!content->whole) TRY_VOID(n.contents().index().set_wanted(ref.hash, files::kWantedHere));
    }
    if (!refs.empty() && named_wrongly == refs.size()) return none.error();
    return described(n, refs);
}

bool is_waiting_for_contents(const json::value& fetched) {
    const auto& list = fetched.as_object().at("contents").as_array();
    return std::any_of(list.begin(), list.end(),
                       [](const auto& x) { return x.as_object().at("state").as_string() != "here"; });
}

Result<json::value> file(node::Node& n, const Command& c) {
    if (!c.has("out")) return usage("请给出 --out 文件", "give --out FILE");
    TRY(const auto refs, named(n, c.args[0]));
    if (refs.size() != 1)
        return fail(Errc::not_found, c.args[0] + " 有 " + std::to_string(refs.size()) +
                                         " 个附件,请用 show 里的 hash / " + c.args[0] + " has " +
                                         std::to_string(refs.size()) + " attachments: give the hash that show prints");
    const auto& ref = refs.front();
    auto path = c.option("out");
    if (node::is_folder(path)) path += "/" + std::filesystem::path(ref.name).filename().string();
    TRY_VOID(check_is_new(path));
    std::string bytes;
    while (bytes.size() < ref.size) {
        TRY(const auto piece, n.contents().read(ref.hash, bytes.size(), kPieceBytes));
        if (piece.empty()) break;
        bytes += piece;
    }
    TRY_VOID(node::write_file(path, bytes));
    return json::value{{"file", path}, {"hash", ref.hash.hex()}, {"size", bytes.size()}, {"name", ref.name}};
}

Result<json::value> files(node::Node& n, const Command& c) {
    auto& index = n.contents().index();
    if (c.has("quota-mb")) {
        char* end = nullptr;
        const auto text = c.option("quota-mb");
        const auto mb = std::strtoull(text.c_str(), &end, 10);
        if (end == text.c_str() || *end != 0 || text[0] == '-' || mb > (1u << 24))
            return usage("--quota-mb 要是整数,单位 MB", "--quota-mb must be a whole number of MB");
        TRY_VOID(index.set_quota(mb << 20));
    }
    if (c.has("on-demand")) {
        const auto word = c.option("on-demand");
        if (word != "yes" && word != "no") return usage("--on-demand 只能是 yes 或 no", "--on-demand is yes or no");
        TRY_VOID(index.set_on_demand(word == "yes"));
    }
    json::array units;
    std::uint64_t bytes = 0, contents = 0;
    TRY(const auto usage_of_units, index.usage());
    for (const auto& u : usage_of_units) {
        units.push_back({{"unit", u.unit}, {"contents", u.contents}, {"bytes", u.bytes}});
        bytes += u.bytes;
        contents += u.contents;
    }
    TRY(const auto quota, index.quota());
    TRY(const bool on_demand, index.takes_on_demand());
    TRY(auto status, ledger::contents_status(n.replica()));
    status["contents"] = contents;
    status["bytes"] = bytes;
    status["quota_mb"] = quota >> 20;
    status["on_demand"] = on_demand;
    status["units"] = std::move(units);
    return json::value(std::move(status));
}

}  // namespace taizhang::api
