#include "api/upkeep.h"

#include "api/command.h"
#include "ledger/times.h"
#include "text/text.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace taizhang::api {
namespace {

/// Signed in one piece, some milliseconds each. Higher: who asks something waits longer; lower: more turns.
constexpr std::size_t kStreamsAtOnce = 8;

/// None yet, or the newest is a day old, or signed by a clock that was ahead.
Result<bool> is_checkpoint_due(Replica& r) {
    TRY(const auto all, r.checkpoints());
    std::int64_t newest = 0;
    for (const auto& c : all) newest = std::max(newest, c.at_ms);
    return std::abs(r.now().ms - newest) >= ledger::kDayMs;
}

}  // namespace

Result<bool> Upkeep::sign_some(Replica& r) {
    const auto count = std::min(kStreamsAtOnce, streams_.size() - at_);
    TRY(const auto written, r.checkpoint(std::span(streams_).subspan(at_, count)));
    at_ += count;
    written_ += written.size();
    if (at_ < streams_.size()) return false;
    if (written_ == 0) return true;
    TRY(const auto all, r.checkpoints());
    line_ = text::both(text::Msg::checkpoint_made, {std::to_string(written_), std::to_string(all.size())},
                       {std::to_string(written_), std::to_string(all.size())});
    return true;
}

Result<bool> Upkeep::some(node::Node& n) {
    auto& r = n.replica();
    const auto* own = r.control().cert(r.id());
    if (!own) return true;
    if (own->unit == r.control().root()) {
        if (!std::exchange(has_begun_, true)) {
            // Under a clock that cannot be right nothing is signed: what the city signs says when.
            const auto now = r.now();
            if (now.unverified) return true;
            TRY_VOID(r.trust_time(now.ms));
            TRY(const bool due, is_checkpoint_due(r));
            if (due) streams_ = r.streams();
        }
        return streams_.empty() ? Result<bool>(true) : sign_some(r);
    }
    if (is_hub_) return true;  // it keeps all
    TRY(const auto bytes, r.drop_old(r.now().ms - kKeepDays * ledger::kDayMs));
    if (bytes > 0) line_ = text::both(text::Msg::compacted, {std::to_string(bytes)}, {std::to_string(bytes)});
    return true;
}

}  // namespace taizhang::api
