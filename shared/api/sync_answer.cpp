#include "api/sync_answer.h"

#include "text/text.h"

#include <boost/json.hpp>

#include <string>
#include <utility>

namespace taizhang::api {

namespace json = boost::json;

json::value report_json(const node::SyncReport& r) {
    json::array refused;
    for (const auto& x : r.refused) refused.push_back(json::string(x));
    json::array notices;
    for (const auto& x : r.notices) notices.push_back(json::string(x));
    return json::value{{"sent", r.sent},
                       {"received", r.received},
                       {"bytes_up", r.bytes_up},
                       {"bytes_down", r.bytes_down},
                       {"round_trips", r.round_trips},
                       {"cuts", r.cuts},
                       {"unsent", r.unsent},
                       {"acks", {{"township", r.acked_township}, {"city", r.acked_city}}},
                       {"refused", std::move(refused)},
                       {"notices", std::move(notices)}};
}

Error offline_error(const Error& e, std::uint64_t unsent, std::string_view when_zh, std::string_view when_en) {
    if (!is_retryable(e.code)) return e;
    const auto n = std::to_string(unsent);
    const auto [zh, en] = text::halves(e.detail);
    return fail(e.code, text::both(text::Msg::offline_kept, {n, when_zh, zh}, {n, when_en, en}));
}

}  // namespace taizhang::api
