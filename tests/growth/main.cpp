// main.cpp - what a sync costs as the log grows: it must follow what changed, not what is held.
//
//   growth [--dir DIR] [--json] [SIZE…]       sizes in commits; 5000 50000 500000 without any
//
// One city of 2,000 branches in 200 townships; their commits lie in the hub's log, on the disk. Two devices sync with
// it: a branch's, which holds a two-thousandth of it, and one of a city department, which holds everything, as a relay
// at the top would. Times are medians of many repetitions in one process; the ratio is to the smallest size. Hub and
// device are timed apart, without any network between them.
#include "sync/hub.h"
#include "sync/session.h"
#include "tests/support/must.h"

#include <unistd.h>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <stdexcept>

namespace taizhang::growth {
namespace {

using support::must;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kTownships = 200, kBranchesEach = 10, kRowsEach = 20, kRepeats = 101, kOthersWrite = 1000;

constexpr const char* kCatalog = R"(version = 1
[entity.item]
label = ["事项", "item"]
[entity.item.fields]
title = { max = 200 }
value = { type = "number" }
remark = { max = 400 }
)";

double ms_since(Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

double median(std::vector<double> v) {
    std::sort(v.begin(), v.end());
    return v[v.size() / 2];
}

Environment environment(std::uint64_t seed) {
    auto random = std::make_shared<std::mt19937_64>(seed);
    Environment env;
    env.wall_ms = [] { return std::int64_t{1'761'955'200'000}; };
    env.steady_ms = [] { return std::int64_t{0}; };
    env.random = [random](std::span<std::uint8_t> out) {
        for (auto& b : out) b = static_cast<std::uint8_t>((*random)() >> 24);
    };
    return env;
}

std::string branch_id(int n) { return "B" + std::to_string(10'000 + n); }

Edit edit_of(int branch, int row, int value, bool is_new) {
    Edit e;
    e.entity = "item";
    e.row = branch_id(branch) + "-" + std::to_string(row);
    e.stream = StreamId{branch_id(branch), Audience::ledger};
    e.create = is_new;
    e.fields = {{"value", Value::integer(value)}};
    if (is_new) e.fields.emplace_back("title", Value::text("台账事项 " + std::to_string(row)));
    return e;
}

/// One node on the disk, opened anew when asked.
struct Node {
    fs::path file;
    std::uint64_t seed;
    std::unique_ptr<Replica> replica;
    double open() {
        replica.reset();
        const auto start = Clock::now();
        Replica::Options o;
        o.path = file;
        replica = must(Replica::open(o, environment(seed)));
        return ms_since(start);
    }
};

class City {
public:
    explicit City(const fs::path& dir) : hub_{dir / "hub.db", 1, {}} {
        hub_.open();
        auto& r = *hub_.replica;
        must(r.append_control("city", R"({"title":"growth"})"));
        must(r.append_control("catalog", kCatalog));
        must(r.batch([&]() -> Result<> {
            add_unit("C", "", "city");
            add_unit("C-X", "C", "city");
            for (int t = 0; t < kTownships; ++t) {
                const auto town = "T" + std::to_string(1000 + t);
                add_unit(town, "C", "township");
                for (int b = 0; b < kBranchesEach; ++b) add_unit(branch_id(t * kBranchesEach + b), town, "branch");
            }
            certify(r.id(), "C", Level::city);
            for (int b = 0; b < kTownships * kBranchesEach; ++b) {
                ReplicaId id;
                r.random(id.bytes);
                authors_.push_back(id);
                certify(id, branch_id(b), Level::branch);
            }
            return {};
        }));
        open_hub();
    }

    double open_hub() {
        const auto took = hub_.open();
        const auto start = Clock::now();
        server_ = std::make_unique<sync::Hub>(must(sync::Hub::open(*hub_.replica)));
        return took + ms_since(start);
    }

    /// Everybody in turn writes until the log has that many commits.
    void grow_to(std::uint64_t commits) {
        auto& r = *hub_.replica;
        while (r.log_head().value < commits)
            must(r.batch([&]() -> Result<> {
                for (int n = 0; n < 1000 && r.log_head().value < commits; ++n) TRY_VOID(write_next());
                return {};
            }));
    }
    void others_write() { grow_to(hub_.replica->log_head().value + kOthersWrite); }

    sync::Hub& server() { return *server_; }
    Replica& replica() { return *hub_.replica; }

private:
    void add_unit(const std::string& id, const std::string& parent, const std::string& level) {
        must(hub_.replica->append_control("unit", R"({"id":")" + id + R"(","parent_id":")" + parent + R"(","level":")" +
                                                      level + R"(","name":")" + id + R"("})"));
    }
    void certify(const ReplicaId& id, const std::string& unit, Level level) {
        Certificate c;
        c.replica = id;
        c.unit = unit;
        c.level = level;
        c.control = hub_.replica->control().head();
        c.issuer = "C";
        must(hub_.replica->add_certificate(c));
    }
    Result<> write_next() {
        const int branch = static_cast<int>(written_ % authors_.size());
        const auto round = written_ / authors_.size();
        Draft d;
        d.edits.push_back(edit_of(branch, static_cast<int>(round) % kRowsEach, static_cast<int>(written_),
                                  round < static_cast<std::uint64_t>(kRowsEach)));
        TRY_VOID(hub_.replica->edit_as(authors_[static_cast<std::size_t>(branch)], d,
                                       1'761'955'200'000 + static_cast<std::int64_t>(written_)));
        ++written_;
        return {};
    }

    Node hub_;
    std::unique_ptr<sync::Hub> server_;
    std::vector<ReplicaId> authors_;
    std::uint64_t written_ = 0;
};

/// Times of one sync: what the device's half took and what the hub's half took.
struct Took {
    double device = 0, hub = 0;
};

class Device {
public:
    Device(City& city, const fs::path& file, const std::string& unit, std::uint64_t seed)
        : city_(city), node_{file, seed, {}} {
        node_.open();
        const auto code = must(city.server().new_code(unit));
        sync::Enrolment e(*node_.replica);
        must(e.reply(must(city.server().handle(must(e.request(code.code, "growth"))))));
        sync();
    }
    double open() { return node_.open(); }

    Took sync() {
        Took took;
        auto start = Clock::now();
        sync::Session s(*node_.replica);
        while (s.wants_more()) {
            const auto request = must(s.request());
            took.device += ms_since(start);
            start = Clock::now();
            const auto reply = must(city_.server().handle(request));
            took.hub += ms_since(start);
            start = Clock::now();
            must(s.reply(reply));
        }
        took.device += ms_since(start);
        return took;
    }
    void edit(int n) {
        Draft d;
        d.edits.push_back(edit_of(0, 0, n, false));
        must(node_.replica->edit(d));
    }
    std::uint64_t commits() { return node_.replica->log_head().value; }

private:
    City& city_;
    Node node_;
};

using Figures = std::vector<std::pair<std::string, double>>;

void repeat(Figures& out, const std::string& what, Device& d, const std::function<void(int)>& before, int times) {
    std::vector<double> device, hub;
    for (int n = 0; n < times; ++n) {
        before(n);
        const auto took = d.sync();
        device.push_back(took.device);
        hub.push_back(took.hub);
    }
    out.emplace_back(what + ", device's half", median(device));
    out.emplace_back(what + ", hub's half", median(hub));
}

Figures measure(const fs::path& dir, std::uint64_t commits) {
    fs::create_directories(dir);
    City city(dir);
    city.grow_to(commits);
    Device branch(city, dir / "branch.db", branch_id(0), 2), office(city, dir / "office.db", "C-X", 3);
    if (office.commits() < commits) throw std::runtime_error("the department does not hold everything");
    Figures out;
    out.emplace_back("opening the hub", city.open_hub());
    out.emplace_back("opening the branch's node", branch.open());
    out.emplace_back("opening the department's node", office.open());
    out.emplace_back("first sync of the department's program, device's half", office.sync().device);
    for (auto* d : {&branch, &office}) {
        const std::string who = d == &branch ? "branch" : "department";
        repeat(
            out, who + ": nothing new", *d, [](int) {}, kRepeats);
        repeat(
            out, who + ": one edit", *d, [&](int n) { d->edit(n); }, kRepeats);
    }
    repeat(
        out, "branch: 1,000 commits of others since", branch, [&](int) { city.others_write(); }, 5);
    return out;
}

int run(const fs::path& dir, std::vector<std::uint64_t> sizes, bool as_json) {
    std::map<std::uint64_t, Figures> all;
    for (const auto n : sizes) {
        std::fprintf(stderr, "growth: %llu commits\n", static_cast<unsigned long long>(n));
        all[n] = measure(dir / std::to_string(n), n);
        fs::remove_all(dir / std::to_string(n));
    }
    const auto& least = all.begin()->second;
    if (as_json) std::printf("{");
    for (std::size_t i = 0; i < least.size(); ++i) {
        if (as_json)
            std::printf("%s\"%s\":{", i ? "," : "", least[i].first.c_str());
        else
            std::printf("| %-56s |", least[i].first.c_str());
        bool first = true;
        for (const auto& [n, figures] : all) {
            const auto v = figures[i].second;
            if (as_json)
                std::printf("%s\"%llu\":%.4f", first ? "" : ",", static_cast<unsigned long long>(n), v);
            else
                std::printf(" %8.3f ms (%.2f) |", v, v / least[i].second);
            first = false;
        }
        std::printf(as_json ? "}" : "\n");
    }
    if (as_json) std::printf("}\n");
    return 0;
}

}  // namespace
}  // namespace taizhang::growth

int main(int argc, char** argv) {
    std::filesystem::path dir = "/var/tmp/taizhang-growth-" + std::to_string(getpid());
    std::vector<std::uint64_t> sizes;
    bool as_json = false;
    for (int i = 1; i < argc; ++i) {
        const std::string_view arg = argv[i];
        char* end = nullptr;
        const auto n = std::strtoull(argv[i], &end, 10);
        if (arg == "--json")
            as_json = true;
        else if (arg == "--dir" && i + 1 < argc)
            dir = std::filesystem::path(argv[++i]) / ("growth-" + std::to_string(getpid()));
        else if (*end == 0 && n > 0)
            sizes.push_back(n);
        else {
            std::fputs("usage: growth [--dir DIR] [--json] [SIZE…]\n", stderr);
            return 2;
        }
    }
    if (sizes.empty()) sizes = {5'000, 50'000, 500'000};
    int status = 1;
    try {
        status = taizhang::growth::run(dir, sizes, as_json);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "growth: %s\n", e.what());
    }
    std::error_code ignored;
    std::filesystem::remove_all(dir, ignored);
    return status;
}
