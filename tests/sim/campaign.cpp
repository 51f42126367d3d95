#include "tests/sim/campaign.h"

#include "tests/support/json_file.h"

#include <boost/json.hpp>

#include <algorithm>
#include <stdexcept>

namespace taizhang::sim {
namespace {

namespace json = boost::json;

/// Every figure with the name that it has in the file.
template <class F>
void each_figure(Figures& f, const F& with) {
    with("worlds", f.worlds), with("world_days", f.days), with("device_days", f.machine_days);
    with("commits", f.commits), with("hand_written", f.hand_written), with("messages", f.messages);
    with("lost_messages", f.lost_messages), with("doubled_messages", f.doubled_messages);
    with("power_cuts", f.power_cuts), with("disk_errors", f.io_errors), with("clock_jumps", f.clock_jumps);
    with("restarts", f.restarts), with("copies", f.copies), with("restores", f.restores);
    with("hub_restores", f.hub_restores), with("sticks", f.sticks), with("bundles", f.bundles);
    with("checkpoints", f.checkpoints), with("dropped_logs", f.drops), with("tree_changes", f.tree_changes);
    with("upgrades", f.upgrades), with("contents", f.contents), with("forged", f.forged);
    with("beyond_scope", f.beyond_scope), with("floods", f.floods), with("forks", f.forks);
    with("spoiled_messages", f.spoiled), with("swallowed_messages", f.swallowed), with("thefts", f.thefts);
    with("revocations", f.revoked), with("releases", f.released), with("replays", f.replays);
    with("rows_compared", f.rows_compared), with("lines_compared", f.lines_compared);
}

std::uint64_t number(const json::object& o, const char* name) {
    const auto* v = o.if_contains(name);
    return v ? v->to_number<std::uint64_t>() : 0;
}

}  // namespace

std::uint64_t Campaign::failures_of(const std::string& kind) const {
    return static_cast<std::uint64_t>(
        std::count_if(failed.begin(), failed.end(), [&](const auto& f) { return f.invariant == kind; }));
}

Campaign load_campaign(const std::string& path, std::uint64_t seed) {
    Campaign c;
    c.seed = seed;
    auto kept = support::load_json(path);
    if (!kept) return c;
    try {
        auto& o = *kept;
        c.seed = number(o, "seed");
        c.next = number(o, "next");
        auto& total = o.at("total").as_object();
        each_figure(c.total, [&](const char* name, std::uint64_t& v) { v = number(total, name); });
        for (const auto& p : o.at("revisions").as_array())
            c.revisions.push_back({std::string(p.at("revision").as_string()), number(p.as_object(), "worlds"),
                                   number(p.as_object(), "device_days"), number(p.as_object(), "commits")});
        for (const auto& f : o.at("failed").as_array())
            c.failed.push_back({number(f.as_object(), "world"), std::string(f.at("invariant").as_string()),
                                std::string(f.at("what").as_string()), std::string(f.at("revision").as_string())});
    } catch (const std::exception& e) {
        throw std::runtime_error(path + " is not a campaign's file (" + e.what() + "): move it away and begin anew");
    }
    return c;
}

void save_campaign(const std::string& path, const Campaign& c) {
    json::object total;
    auto figures = c.total;
    each_figure(figures, [&](const char* name, std::uint64_t& v) { total[name] = v; });
    json::array revisions, failed;
    for (const auto& p : c.revisions)
        revisions.push_back(
            {{"revision", p.revision}, {"worlds", p.worlds}, {"device_days", p.machine_days}, {"commits", p.commits}});
    for (const auto& f : c.failed)
        failed.push_back({{"world", f.world}, {"invariant", f.invariant}, {"what", f.what}, {"revision", f.revision}});
    const json::object o{{"seed", c.seed},
                         {"next", c.next},
                         {"device_years", static_cast<double>(c.total.machine_days) / 365},
                         {"total", std::move(total)},
                         {"revisions", std::move(revisions)},
                         {"failed", std::move(failed)}};
    support::save_json(path, o);
}

}  // namespace taizhang::sim
