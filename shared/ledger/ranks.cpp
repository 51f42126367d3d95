#include "ledger/ranks.h"

#include <array>

namespace taizhang::ledger {
namespace {

struct Tier {
    std::string_view word;  ///< 正 or 副 may stand before it, 正职 or 副职 behind
    int step;
};

/// The longer words first, where one is a part of another.
constexpr std::array<Tier, 12> kTiers = {{{"厅局级", 5},
                                          {"厅级", 5},
                                          {"局级", 5},
                                          {"县处级", 4},
                                          {"处级", 4},
                                          {"调研员", 4},
                                          {"乡科级", 3},
                                          {"科级", 3},
                                          {"主任科员", 3},
                                          {"股所级", 2},
                                          {"股级", 2},
                                          {"科员", 2}}};

constexpr std::string_view kChief = "正", kDeputy = "副";

bool has(std::string_view words, std::string_view part) { return words.find(part) != std::string_view::npos; }

/// `title` stands there, and not as the deputy's.
bool is_chief(std::string_view words, std::string_view title) {
    for (auto at = words.find(title); at != std::string_view::npos; at = words.find(title, at + 1))
        if (!words.substr(0, at).ends_with(kDeputy)) return true;
    return false;
}

}  // namespace

int rank_of(std::string_view words) {
    for (const auto& tier : kTiers) {
        const auto at = words.find(tier.word);
        if (at == std::string_view::npos) continue;
        const auto before = words.substr(0, at), behind = words.substr(at + tier.word.size());
        const bool chief = before.ends_with(kChief) || behind.starts_with(kChief);
        const bool deputy = before.ends_with(kDeputy) || behind.starts_with(kDeputy);
        return tier.step * 10 + (chief ? 2 : deputy ? 1 : 0);
    }
    return 0;
}

std::string rank_asked_by(std::string_view convener, Level host) {
    const bool leader = has(convener, "书记") || has(convener, "常委") || is_chief(convener, "部长");
    const bool deputy = has(convener, "部长") || has(convener, "主任");
    if (!leader && !deputy) return {};
    if (host == Level::city) return leader ? "县处级副职" : "乡科级正职";
    if (host == Level::county) return leader ? "乡科级正职" : "乡科级副职";
    return {};
}

}  // namespace taizhang::ledger
