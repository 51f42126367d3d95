#include "ledger/attachments.h"

#include "ledger/entry.h"
#include "ledger/ledger.h"

#include <boost/json.hpp>

namespace taizhang::ledger {

namespace json = boost::json;

Result<json::object> content_json(Replica& r, const Hash& hash, std::uint64_t size) {
    files::ContentIndex index(r);
    json::object o;
    o["hash"] = hash.hex();
    o["size"] = size;
    TRY(const auto c, index.find(hash));
    std::uint64_t here = 0;
    if (c) {
        TRY(here, index.bytes_here(*c));
    }
    o["state"] = c && c->whole ? "here" : here > 0 ? "partial" : "not_here";
    o["bytes_here"] = here;
    json::array levels;
    TRY(const auto known, index.levels(hash));
    for (const auto level : known) levels.push_back(json::string(taizhang::name_of(level)));
    o["levels"] = std::move(levels);
    if (c && c->wanted != 0) o["wanted"] = true;
    if (c && c->whole && c->sent == files::Sent::when_asked) o["kept_until_asked"] = true;
    if (c && c->whole && c->sent == files::Sent::refused) o["refused"] = c->why;
    return o;
}

Result<json::array> attachments_of(Replica& r, const std::string& record) {
    files::ContentIndex index(r);
    json::array out;
    TRY(const auto list, index.attachments(record));
    for (const auto& ref : list) {
        TRY(auto o, content_json(r, ref.hash, ref.size));
        o["id"] = ref.record;
        o["name"] = ref.name;
        o["stream"] = ref.stream.str();
        out.push_back(std::move(o));
    }
    return out;
}

Result<json::object> contents_status(Replica& r) {
    files::ContentIndex index(r);
    TRY(const auto unsent, index.count_sent(files::Sent::not_yet));
    TRY(const auto refused, index.count_sent(files::Sent::refused));
    TRY(const auto kept, index.count_sent(files::Sent::when_asked));
    TRY(const auto token, r.fact("upstream/token"));
    TRY(const auto wanted, index.wanted(files::kWantedHere, 1000));
    const bool has_hub = !token.empty();
    return json::object{{"unsent", has_hub ? unsent : 0},
                        {"kept_until_asked", has_hub ? kept : 0},
                        {"refused", has_hub ? refused : 0},
                        {"wanted", wanted.size()}};
}

Result<StreamId> Ledger::attachment_home(const std::string& id) {
    TRY(const auto row, r_.read_row({}, id));
    const auto* own = r_.control().cert(r_.id());
    if (!own) return fail(Errc::not_allowed, "本机还没有登记,请先 enrol / not enrolled yet: run enrol first");
    if (r_.control().relation(*own, row.stream, r_.control().head()).reaches()) return row.stream;
    return StreamId{own->unit, Audience::ledger};
}

Result<Saved> Ledger::attach(const std::string& id, const Attached& what, const std::string& person) {
    TRY(const auto home, attachment_home(id));
    TRY_VOID(check_text(what.name));
    const auto* v = r_.control().newest("evidence");
    if (!v) return fail(Errc::not_found, "目录里没有佐证材料 / the catalog has no evidence");
    Edit e;
    e.entity = "evidence";
    e.row = new_id(r_, *v->entity);
    e.create = true;
    e.stream = home;
    e.fields = {{"record_id", Value::text(id)},
                {"unit_id", Value::text(home.unit)},
                {"name", Value::text(what.name)},
                {"size", Value::integer(static_cast<std::int64_t>(what.size))},
                {"hash", Value::text(what.hash.hex())}};
    Draft draft;
    draft.person = person;
    const auto record = e.row;
    draft.edits.push_back(std::move(e));
    return save(std::move(draft), record);
}

}  // namespace taizhang::ledger
