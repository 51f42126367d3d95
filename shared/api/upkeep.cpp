#include "api/upkeep.h"

#include "api/command.h"
#include "text/text.h"

#include <algorithm>

namespace taizhang::api {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;

/// None yet, or the newest is a day old.
Result<bool> is_checkpoint_due(Replica& r) {
    TRY(const auto all, r.checkpoints());
    std::int64_t newest = 0;
    for (const auto& c : all) newest = std::max(newest, c.at_ms);
    return r.now().ms - newest >= kDayMs;
}

}  // namespace

Result<std::string> upkeep(node::Node& n, bool is_hub) {
    auto& r = n.replica();
    const auto* own = r.control().cert(r.id());
    if (!own) return std::string();
    if (own->unit == r.control().root()) {
        TRY(const bool due, is_checkpoint_due(r));
        if (!due) return std::string();
        TRY(const auto written, r.checkpoint());
        TRY(const auto all, r.checkpoints());
        if (written.empty()) return std::string();
        return text::both(text::Msg::checkpoint_made, {std::to_string(written.size()), std::to_string(all.size())},
                          {std::to_string(written.size()), std::to_string(all.size())});
    }
    if (is_hub) return std::string();  // it keeps all
    TRY(const auto bytes, r.drop_old(r.now().ms - kKeepDays * kDayMs));
    if (bytes == 0) return std::string();
    return text::both(text::Msg::compacted, {std::to_string(bytes)}, {std::to_string(bytes)});
}

}  // namespace taizhang::api
