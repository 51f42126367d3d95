#include "ledger/batch.h"

#include "ledger/rows.h"

#include <boost/json.hpp>

#include <set>

namespace taizhang::ledger {

namespace json = boost::json;

Result<json::object> act_on_all(Replica& r, const std::string& transition, const std::vector<std::string>& ids,
                                const Assignments& arguments, const std::string& person) {
    if (ids.size() > kBatchMax)
        return fail(Errc::usage, "一次最多 " + std::to_string(kBatchMax) + " 条 / at most " +
                                     std::to_string(kBatchMax) + " records at once");
    json::array done, refused;
    std::optional<Error> first;
    Ledger ledger(r);
    const auto acted = r.batch([&]() -> Result<> {
        std::set<std::string> seen;
        for (const auto& id : ids) {
            if (!seen.insert(id).second) continue;
            const auto saved = ledger.act(transition, id, arguments, person);
            if (!saved) {
                if (!is_of_the_record(saved.error().code)) return saved.error();
                if (!first) first = saved.error();
                refused.push_back({{"record", id}, {"why", saved.error().detail}});
                continue;
            }
            json::array notes;
            for (const auto& n : saved->notes) notes.push_back(json::string(n));
            TRY(const auto row, r.read_row({}, id));
            done.push_back({{"record", saved->record}, {"state", row.state}, {"notes", std::move(notes)}});
        }
        return {};
    });
    if (!acted) return acted.error();
    if (done.empty() && first) return *first;
    return json::object{{"saved", true}, {"done", std::move(done)}, {"refused", std::move(refused)}};
}

}  // namespace taizhang::ledger
