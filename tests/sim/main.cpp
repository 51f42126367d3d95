// sim - seeded worlds of the sync core on virtual time; see world.h and checks.h.
//
// usage: sim --years N --seed S [--json]
//        sim --campaign FILE [--seconds N | --years N] [--seed S] [--json]
//        sim --world W [--tell] [--shrink [SECONDS]]
// A year is 365 virtual days of one world of some fifteen devices; worlds of 20 to 60 days until N years are made up.
// A campaign goes on where its file says, until the part's time is up, past worlds that fail.
// Exit status 1 with one line when an invariant fails; 2 on wrong usage.
#include "tests/sim/campaign.h"
#include "tests/sim/run.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <stdexcept>

namespace taizhang::sim {
namespace {

constexpr const char* kUsage =
    "usage: sim --years N --seed S [--json]\n"
    "       sim --campaign FILE [--seconds N | --years N] [--seed S] [--json]\n"
    "       sim --world W [--tell] [--shrink [SECONDS]]\n";

struct Arguments {
    std::uint64_t years = 1, seed = 1, seconds = 0, shrink_seconds = 0;
    std::optional<std::uint64_t> world;
    std::string campaign, revision = "unknown";
    bool json = false, tell = false, wrong = false;
};

Arguments parse(int argc, char** argv) {
    Arguments out;
    const auto number = [&](int& i, std::uint64_t otherwise, bool is_needed) {
        char* end = nullptr;
        if (i + 1 >= argc || argv[i + 1][0] == '-') {
            out.wrong = out.wrong || is_needed;
            return otherwise;
        }
        const auto value = std::strtoull(argv[++i], &end, 10);
        if (*end != '\0' || end == argv[i]) out.wrong = true;
        return static_cast<std::uint64_t>(value);
    };
    const auto text = [&](int& i) {
        if (i + 1 < argc) return std::string(argv[++i]);
        out.wrong = true;
        return std::string();
    };
    for (int i = 1; i < argc; ++i) {
        const std::string_view name = argv[i];
        if (name == "--tell")
            out.tell = true;
        else if (name == "--json")
            out.json = true;
        else if (name == "--years")
            out.years = number(i, 1, true);
        else if (name == "--seed")
            out.seed = number(i, 1, true);
        else if (name == "--world")
            out.world = number(i, 0, true);
        else if (name == "--seconds")
            out.seconds = number(i, 0, true);
        else if (name == "--shrink")
            out.shrink_seconds = number(i, 300, false);
        else if (name == "--campaign")
            out.campaign = text(i);
        else if (name == "--revision")
            out.revision = text(i);
        else
            out.wrong = true;
    }
    return out;
}

using Clock = std::chrono::steady_clock;

unsigned long long u(std::uint64_t v) { return static_cast<unsigned long long>(v); }

void print_failure(std::uint64_t world, const Failure& f) {
    std::printf("invariant %s fails in world %llu: %s; repeat it with: tools/sim --world %llu\n", f.invariant.c_str(),
                u(world), f.what.c_str(), u(world));
    std::fflush(stdout);
}

/// The same seed gives the same trace.
std::optional<Failure> check_21_determinism(const Plan& plan, const std::string& trace) {
    Figures ignored;
    const auto again = run_world(plan, ignored);
    if (again.failure) return again.failure;
    if (again.trace == trace) return std::nullopt;
    return Failure{"21 determinism", "another trace the second time"};
}

std::uint64_t world_seed(std::uint64_t seed, std::uint64_t n) {
    return reference::mix(seed * 1'000'003 + n) % 1'000'000'000;
}

Shrunk make_small(const Plan& plan, const Failure& failure, int acts, std::uint64_t seconds) {
    const auto until = Clock::now() + std::chrono::seconds(seconds);
    return shrink(plan, failure, acts, [&] { return Clock::now() < until; });
}

/// One world, by its own number; told or made small on request.
int run_one(const Arguments& a, Figures& total, std::string& trace) {
    Plan plan;
    plan.seed = *a.world;
    auto out = run_world(plan, total, a.tell ? World::Tell::at_once : World::Tell::nothing);
    if (!out.failure) out.failure = check_21_determinism(plan, out.trace);
    trace = out.trace;
    if (!out.failure) return 0;
    print_failure(plan.seed, *out.failure);
    if (a.shrink_seconds > 0)
        std::fputs(tell(make_small(plan, *out.failure, out.acts, a.shrink_seconds)).c_str(), stdout);
    return 1;
}

int run_years(const Arguments& a, Figures& total, std::string& trace_hash) {
    Hasher trace;
    const auto days = a.years * 365;
    for (std::uint64_t n = 0; total.days < days; ++n) {
        Plan plan;
        plan.seed = world_seed(a.seed, n);
        auto out = run_world(plan, total);
        if (!out.failure && n % 10 == 0) out.failure = check_21_determinism(plan, out.trace);
        if (out.failure) {
            print_failure(plan.seed, *out.failure);
            return 1;
        }
        trace.add(out.trace);
        if (!a.json)
            std::printf("world %llu: %llu of %llu days, %llu commits, %llu messages\n", u(plan.seed), u(total.days),
                        u(days), u(total.commits), u(total.messages));
        std::fflush(stdout);
    }
    trace_hash = trace.finish().hex();
    return 0;
}

void print_json(const Arguments& a, const Figures& f, const std::string& trace) {
    std::printf(
        "{\"years\":%llu,\"worlds\":%llu,\"commits\":%llu,\"messages\":%llu,\"lost_messages\":%llu,\"power_cuts\":%llu,"
        "\"clock_jumps\":%llu,\"lost\":0,\"diverged\":0,"
        "\"trace_hash\":\"%s\",\"device_years\":%.2f}\n",
        u(a.years), u(f.worlds), u(f.commits), u(f.messages), u(f.lost_messages), u(f.power_cuts), u(f.clock_jumps),
        trace.c_str(), static_cast<double>(f.machine_days) / 365);
}

// ------------------------------------------------------------------ campaigns

void run_next(const Arguments& a, Campaign& c) {
    Plan plan;
    plan.seed = world_seed(c.seed, c.next);
    Figures figures;
    auto out = run_world(plan, figures);
    if (!out.failure && c.next % 50 == 0) out.failure = check_21_determinism(plan, out.trace);
    ++c.next;
    if (c.revisions.empty() || c.revisions.back().revision != a.revision) c.revisions.push_back({a.revision, 0, 0, 0});
    if (!out.failure) {
        c.total.add(figures);
        auto& part = c.revisions.back();
        part.worlds += figures.worlds, part.machine_days += figures.machine_days, part.commits += figures.commits;
        return save_campaign(a.campaign, c);
    }
    print_failure(plan.seed, *out.failure);
    c.failed.push_back({plan.seed, out.failure->invariant, out.failure->what, a.revision});
    save_campaign(a.campaign, c);
    const auto story = a.campaign + ".world-" + std::to_string(plan.seed) + ".txt";
    std::ofstream(story) << tell(
        make_small(plan, *out.failure, out.acts, a.shrink_seconds > 0 ? a.shrink_seconds : 180));
    std::printf("its story: %s\n", story.c_str());
}

int run_campaign(const Arguments& a) {
    auto c = load_campaign(a.campaign, a.seed);
    const auto failed_before = c.failed.size();
    const auto days_before = c.total.days;
    const auto until = Clock::now() + std::chrono::seconds(a.seconds);
    for (bool goes_on = true; goes_on;) {
        run_next(a, c);
        goes_on = a.seconds > 0 ? Clock::now() < until : c.total.days - days_before < a.years * 365;
    }
    const auto lost = c.failures_of("3 no loss") + c.failures_of("1 local durability");
    const auto diverged = c.failures_of("7 strong convergence");
    const auto years = static_cast<double>(c.total.machine_days) / 365;
    if (a.json)
        std::printf(
            "{\"years\":%.2f,\"device_years\":%.2f,\"worlds\":%llu,\"commits\":%llu,\"messages\":%llu,"
            "\"lost_messages\":%llu,\"power_cuts\":%llu,\"clock_jumps\":%llu,\"lost\":%llu,\"diverged\":%llu,"
            "\"failed\":%llu,\"revisions\":%llu}\n",
            static_cast<double>(c.total.days) / 365, years, u(c.total.worlds), u(c.total.commits), u(c.total.messages),
            u(c.total.lost_messages), u(c.total.power_cuts), u(c.total.clock_jumps), u(lost), u(diverged),
            u(c.failed.size()), u(c.revisions.size()));
    else
        std::printf("%s: %.2f device-years in %llu worlds, %llu commits; %llu worlds failed, %llu of them now\n",
                    a.campaign.c_str(), years, u(c.total.worlds), u(c.total.commits), u(c.failed.size()),
                    u(c.failed.size() - failed_before));
    return c.failed.size() == failed_before ? 0 : 1;
}

void print_summary(const Figures& f, const std::string& trace, double seconds) {
    const auto line = [](const char* name, std::uint64_t v) { std::printf("  %-28s %llu\n", name, u(v)); };
    std::printf("%llu worlds, %.2f years, %.2f device-years in %.1f s\n", u(f.worlds),
                static_cast<double>(f.days) / 365, static_cast<double>(f.machine_days) / 365, seconds);
    line("commits", f.commits);
    line("of them written by hand", f.hand_written);
    line("decisions", f.decisions);
    line("transitions", f.transitions);
    line("edits refused", f.refused_edits);
    line("messages", f.messages);
    line("lost", f.lost_messages);
    line("doubled", f.doubled_messages);
    line("too old, given anyway", f.old_messages);
    line("power cuts", f.power_cuts);
    line("disk errors", f.io_errors);
    line("restarts", f.restarts);
    line("clock jumps", f.clock_jumps);
    line("copied devices", f.copies);
    line("restored devices", f.restores);
    line("sticks", f.sticks);
    line("bundles", f.bundles);
    line("changes of the tree", f.tree_changes);
    line("units closed with unsent work", f.closed_with_work);
    line("PCs that went with their unit", f.followed);
    line("checkpoints", f.checkpoints);
    line("logs dropped", f.drops);
    line("states begun with", f.states);
    line("states refused", f.states_refused);
    line("histories fetched", f.histories);
    line("contents attached", f.contents);
    line("round trips for contents", f.content_trips);
    line("of them cut", f.content_cuts);
    line("contents asked for", f.wishes);
    line("streams let go", f.let_go);
    line("catalog upgrades", f.upgrades);
    line("older programs", f.older_programs);
    line("programs upgraded", f.program_upgrades);
    line("hub renewals", f.renewals);
    line("restored hubs", f.hub_restores);
    line("changes of hub", f.moves_of_hub);
    line("enrolments", f.enrolments);
    line("of them set up anew", f.reinstalled);
    line("commits forged", f.forged);
    line("commits beyond their scope", f.beyond_scope);
    line("floods", f.floods);
    line("chains forked on purpose", f.forks);
    line("messages changed by a relay", f.spoiled);
    line("thrown away by a relay", f.swallowed);
    line("devices stolen", f.thefts);
    line("revoked", f.revoked);
    line("commits released", f.released);
    line("digests replayed", f.replays);
    line("rows compared", f.rows_compared);
    line("conflict lines compared", f.lines_compared);
    line("conflict lines at the city", f.lines);
    std::printf("nothing lost, nothing diverged; trace %s\n", trace.substr(0, 16).c_str());
}

}  // namespace
}  // namespace taizhang::sim

int main(int argc, char** argv) {
    using namespace taizhang::sim;
    const auto arguments = parse(argc, argv);
    if (arguments.wrong) {
        std::fputs(kUsage, stderr);
        return 2;
    }
    if (!arguments.campaign.empty()) try {
            return run_campaign(arguments);
        } catch (const std::runtime_error& e) {
            std::fprintf(stderr, "sim: %s\n", e.what());
            return 2;
        }
    // Only the summary's speed: nothing in a world sees this clock.
    const auto begun = Clock::now();
    Figures total;
    std::string trace;
    const int status = arguments.world ? run_one(arguments, total, trace) : run_years(arguments, total, trace);
    if (status != 0) return status;
    const std::chrono::duration<double> took = Clock::now() - begun;
    if (arguments.json)
        print_json(arguments, total, trace);
    else
        print_summary(total, trace, took.count());
    return 0;
}
