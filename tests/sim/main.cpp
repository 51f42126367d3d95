// sim - seeded worlds of the sync core on virtual time; see world.h and checks.h.
//
// usage: sim --years N --seed S [--json] | sim --world W [--tell]
// A year is 365 virtual days of one world; worlds of 20 to 60 days until N years are made up.
// Exit status 1 with one line when an invariant fails; 2 on wrong usage.
#include "tests/sim/world.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>

namespace taizhang::sim {
namespace {

struct Arguments {
    std::uint64_t years = 1, seed = 1;
    std::optional<std::uint64_t> world;
    bool json = false, tell = false, wrong = false;
};

Arguments parse(int argc, char** argv) {
    Arguments out;
    for (int i = 1; i < argc; ++i) {
        const std::string_view name = argv[i];
        if (name == "--tell") {
            out.tell = true;
            continue;
        }
        if (name == "--json") {
            out.json = true;
            continue;
        }
        char* end = nullptr;
        const auto value = i + 1 < argc ? std::strtoull(argv[++i], &end, 10) : 0;
        if (!end || *end != '\0' || end == argv[i]) out.wrong = true;
        if (name == "--years")
            out.years = value;
        else if (name == "--seed")
            out.seed = value;
        else if (name == "--world")
            out.world = value;
        else
            out.wrong = true;
    }
    return out;
}

/// Runs one world; its trace hash, or nothing after having said what failed.
std::optional<std::string> run_world(std::uint64_t seed, Figures& figures, bool tell = false) {
    try {
        World world(seed, tell);
        world.run();
        figures.add(world.figures());
        return world.trace_hash();
    } catch (const Violation& v) {
        std::printf("invariant %s fails in world %llu: %s; repeat it with: tools/sim --world %llu\n",
                    v.invariant.c_str(), static_cast<unsigned long long>(seed), v.what(),
                    static_cast<unsigned long long>(seed));
    } catch (const std::exception& e) {
        std::printf("invariant 8 liveness fails in world %llu: exception: %s; repeat it with: tools/sim --world %llu\n",
                    static_cast<unsigned long long>(seed), e.what(), static_cast<unsigned long long>(seed));
    }
    std::fflush(stdout);
    return std::nullopt;
}

/// The same seed gives the same trace.
bool check_21_determinism(std::uint64_t seed, const std::string& trace) {
    Figures ignored;
    const auto again = run_world(seed, ignored);
    if (!again) return false;
    if (*again == trace) return true;
    std::printf(
        "invariant 21 determinism fails in world %llu: another trace the second time; repeat it with: tools/sim "
        "--world %llu\n",
        static_cast<unsigned long long>(seed), static_cast<unsigned long long>(seed));
    return false;
}

std::uint64_t world_seed(std::uint64_t seed, std::uint64_t n) {
    return reference::mix(seed * 1'000'003 + n) % 1'000'000'000;
}

int run_years(const Arguments& a, Figures& total, std::string& trace_hash) {
    Hasher trace;
    const auto days = a.world ? 1 : a.years * 365;
    for (std::uint64_t n = 0; total.days < days; ++n) {
        const auto seed = a.world ? *a.world : world_seed(a.seed, n);
        const auto hash = run_world(seed, total, a.tell);
        if (!hash) return 1;
        if ((n % 10 == 0 || a.world) && !check_21_determinism(seed, *hash)) return 1;
        trace.add(*hash);
        if (!a.json)
            std::printf("world %llu: %llu of %llu days, %llu commits, %llu messages\n",
                        static_cast<unsigned long long>(seed), static_cast<unsigned long long>(total.days),
                        static_cast<unsigned long long>(days), static_cast<unsigned long long>(total.commits),
                        static_cast<unsigned long long>(total.messages));
        std::fflush(stdout);
    }
    trace_hash = trace.finish().hex();
    return 0;
}

void print_json(const Arguments& a, const Figures& f, const std::string& trace) {
    const auto u = [](std::uint64_t v) { return static_cast<unsigned long long>(v); };
    std::printf(
        "{\"years\":%llu,\"worlds\":%llu,\"commits\":%llu,\"messages\":%llu,\"lost_messages\":%llu,\"power_cuts\":%llu,"
        "\"clock_jumps\":%llu,\"lost\":0,\"diverged\":0,"
        "\"trace_hash\":\"%s\"}\n",
        u(a.years), u(f.worlds), u(f.commits), u(f.messages), u(f.lost_messages), u(f.power_cuts), u(f.clock_jumps),
        trace.c_str());
}

void print_summary(const Figures& f, const std::string& trace, double seconds) {
    const auto line = [](const char* name, std::uint64_t v) {
        std::printf("  %-28s %llu\n", name, static_cast<unsigned long long>(v));
    };
    std::printf("%llu worlds, %.2f years in %.1f s\n", static_cast<unsigned long long>(f.worlds),
                static_cast<double>(f.days) / 365, seconds);
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
    line("checkpoints", f.checkpoints);
    line("logs dropped", f.drops);
    line("states begun with", f.states);
    line("states refused", f.states_refused);
    line("histories fetched", f.histories);
    line("catalog upgrades", f.upgrades);
    line("older programs", f.older_programs);
    line("programs upgraded", f.program_upgrades);
    line("hub renewals", f.renewals);
    line("restored hubs", f.hub_restores);
    line("changes of hub", f.moves_of_hub);
    line("enrolments", f.enrolments);
    line("of them set up anew", f.reinstalled);
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
        std::fprintf(stderr, "usage: sim --years N --seed S [--json] | sim --world W [--tell]\n");
        return 2;
    }
    // Only the summary's speed: nothing in a world sees this clock.
    const auto begun = std::chrono::steady_clock::now();
    Figures total;
    std::string trace;
    if (const int status = run_years(arguments, total, trace); status != 0) return status;
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    if (arguments.json)
        print_json(arguments, total, trace);
    else
        print_summary(total, trace, took.count());
    return 0;
}
