#include "ledger/unread.h"

#include <boost/json.hpp>

#include <algorithm>

namespace taizhang::ledger {

namespace json = boost::json;

Result<> mark_unread(Replica& r, const std::string& entity, json::array& rows, Unknown unknown) {
    TRY(const auto unread, r.unread());
    for (const auto& u : unread) {
        if (u.entity != entity) continue;
        auto it = std::find_if(rows.begin(), rows.end(), [&](const auto& row) {
            return row.as_object().at("id").as_string() == std::string_view(u.id);
        });
        if (it == rows.end()) {
            if (unknown == Unknown::left_out) continue;
            rows.push_back(json::object{{"id", u.id}, {"unit_id", u.commit.stream.unit}});
            it = rows.end() - 1;
        }
        it->as_object()["needs_program"] = u.what;
    }
    return {};
}

Result<json::array> unread_of(Replica& r, const std::string& entity, const std::string& id) {
    json::array out;
    TRY(const auto unread, r.unread());
    for (const auto& u : unread) {
        if (u.entity != entity || u.id != id) continue;
        out.push_back(
            {{"commit",
              {{"replica", u.commit.replica.hex()}, {"stream", u.commit.stream.str()}, {"seq", u.commit.seq.value}}},
             {"what", u.what}});
    }
    return out;
}

Error no_record(Replica& r, const std::string& id, Error otherwise) {
    const auto unread = r.unread();
    if (!unread || otherwise.code != Errc::not_found) return otherwise;
    for (const auto& u : *unread)
        if (u.id == id)
            return fail(Errc::not_found,
                        "记录 " + id + "(" + u.entity + ")需要更新的程序才能显示,内容已存,请升级 / record " + id +
                            " (" + u.entity + ") needs a newer program to be shown; it is kept: upgrade the program");
    const bool may_be_there =
        std::any_of(unread->begin(), unread->end(), [](const auto& u) { return u.entity.empty(); });
    if (!may_be_there) return otherwise;
    return fail(Errc::not_found, "本机没有记录 " + id + ";另有内容需要更新的程序才能显示 / there is no record " + id +
                                     " here; some of what is kept needs a newer program to be shown");
}

}  // namespace taizhang::ledger
