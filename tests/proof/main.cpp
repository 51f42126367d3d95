// proof - the promises of docs/RELIABILITY.md, tried as often as one likes.
//
// usage: proof NAME [--seconds N | --steps N] [--campaign FILE] [--seed S] [--step N] [--revision R]
// A campaign goes on after the last step of FILE and adds up there; a step that fails is named in it and passed over.
// Without FILE the first failure ends the run. Exit status 1 when a step failed; 2 on wrong usage.
#include "tests/proof/proof.h"
#include "tests/support/json_file.h"

#include <boost/json.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>

namespace taizhang::proof {
namespace {

namespace json = boost::json;

constexpr const char* kUsage =
    "usage: proof NAME [--seconds N | --steps N] [--campaign FILE] [--seed S]\n"
    "       proof NAME --step N [--seed S]\n"
    "NAME: power-cuts, disk-faults, memory, bundles, flips, histories\n";

struct Kind {
    const char* name;
    std::unique_ptr<Proof> (*make)(std::uint64_t seed);
};
constexpr Kind kKinds[] = {{"power-cuts", make_power_cuts}, {"disk-faults", make_disk_faults},
                           {"memory", make_memory_faults},  {"bundles", make_damaged_bundles},
                           {"flips", make_bit_flips},       {"histories", make_histories}};

struct Arguments {
    std::string name, campaign, revision = "unknown";
    std::uint64_t seconds = 0, steps = 1, seed = 1;
    std::optional<std::uint64_t> step;
    bool wrong = false;
};

Arguments parse(int argc, char** argv) {
    Arguments out;
    if (argc < 2) out.wrong = true;
    if (argc > 1) out.name = argv[1];
    for (int i = 2; i + 1 < argc; i += 2) {
        const std::string_view option = argv[i];
        const std::string value = argv[i + 1];
        char* end = nullptr;
        const auto number = static_cast<std::uint64_t>(std::strtoull(value.c_str(), &end, 10));
        const bool is_number = end != value.c_str() && *end == '\0';
        if (option == "--campaign")
            out.campaign = value;
        else if (option == "--revision")
            out.revision = value;
        else if (option == "--seconds" && is_number)
            out.seconds = number;
        else if (option == "--steps" && is_number)
            out.steps = number;
        else if (option == "--seed" && is_number)
            out.seed = number;
        else if (option == "--step" && is_number)
            out.step = number;
        else
            out.wrong = true;
    }
    if (argc % 2 != 0) out.wrong = true;
    return out;
}

/// What the runs of one campaign have come to.
struct Campaign {
    std::uint64_t seed = 1, next = 0;
    double seconds = 0;
    json::object total, revisions;
    json::array failed;
};

void add(json::object& to, const std::string& name, std::uint64_t n) {
    auto& v = to[name];
    v = (v.is_null() ? 0 : v.to_number<std::uint64_t>()) + n;
}

Campaign load(const Arguments& a) {
    Campaign c;
    c.seed = a.seed;
    if (a.campaign.empty()) return c;
    auto kept = support::load_json(a.campaign);
    if (!kept) return c;
    try {
        if (kept->at("proof").as_string() != a.name) throw std::runtime_error("of another proof");
        c.seed = kept->at("seed").to_number<std::uint64_t>();
        c.next = kept->at("next").to_number<std::uint64_t>();
        c.seconds = kept->at("seconds").to_number<double>();
        c.total = kept->at("total").as_object();
        c.revisions = kept->at("revisions").as_object();
        c.failed = kept->at("failed").as_array();
    } catch (const std::exception& e) {
        throw std::runtime_error(a.campaign + " is not this campaign's file (" + e.what() + "): move it away");
    }
    return c;
}

void save(const Arguments& a, const Campaign& c) {
    if (a.campaign.empty()) return;
    support::save_json(a.campaign, {{"proof", a.name},
                                    {"seed", c.seed},
                                    {"next", c.next},
                                    {"seconds", c.seconds},
                                    {"total", c.total},
                                    {"revisions", c.revisions},
                                    {"failed", c.failed}});
}

/// False: it failed.
bool run_step(const Arguments& a, Proof& proof, Campaign& c, std::uint64_t number) {
    Counts counts;
    std::string what;
    try {
        proof.step(number, counts);
    } catch (const Failure& e) {
        what = e.what();
    }
    ++counts["steps"];
    if (!c.revisions.contains(a.revision)) c.revisions[a.revision] = json::object();
    for (const auto& [name, n] : counts) {
        add(c.total, name, n);
        add(c.revisions[a.revision].as_object(), name, n);
    }
    if (what.empty()) return true;
    std::printf("%s fails in step %llu: %s; repeat it with: tools/proof %s --seed %llu --step %llu\n", a.name.c_str(),
                static_cast<unsigned long long>(number), what.c_str(), a.name.c_str(),
                static_cast<unsigned long long>(c.seed), static_cast<unsigned long long>(number));
    std::fflush(stdout);
    c.failed.push_back(json::object{{"step", number}, {"what", what}, {"revision", a.revision}});
    return false;
}

int run(const Arguments& a, const Kind& kind) {
    auto c = load(a);
    const auto proof = kind.make(c.seed);
    const auto failed_before = c.failed.size();
    using Clock = std::chrono::steady_clock;
    const auto began = Clock::now();
    const auto passed = [&] { return std::chrono::duration<double>(Clock::now() - began).count(); };
    const auto seconds_before = c.seconds;
    if (a.step) {
        run_step(a, *proof, c, *a.step);
    } else {
        for (std::uint64_t n = 0; a.seconds > 0 ? passed() < static_cast<double>(a.seconds) : n < a.steps; ++n) {
            const bool ok = run_step(a, *proof, c, c.next);
            ++c.next;
            c.seconds = seconds_before + passed();
            save(a, c);
            if (!ok && a.campaign.empty()) break;
        }
    }
    std::printf("%s:", a.name.c_str());
    for (const auto& [name, n] : c.total)
        std::printf(" %s %llu", std::string(name).c_str(),
                    static_cast<unsigned long long>(n.to_number<std::uint64_t>()));
    std::printf("; %llu steps failed; %.0f s\n", static_cast<unsigned long long>(c.failed.size()),
                seconds_before + passed());
    return c.failed.size() == failed_before ? 0 : 1;
}

}  // namespace
}  // namespace taizhang::proof

int main(int argc, char** argv) {
    using namespace taizhang::proof;
    const auto a = parse(argc, argv);
    if (!a.wrong)
        for (const auto& kind : kKinds)
            if (a.name == kind.name) try {
                    return run(a, kind);
                } catch (const std::exception& e) {
                    std::fprintf(stderr, "proof: %s\n", e.what());
                    return 1;
                }
    std::fputs(kUsage, stderr);
    return 2;
}
