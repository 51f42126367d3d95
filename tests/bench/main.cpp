// main.cpp - runs every subject over the workload and prints what it cost.
//
//   bench [--runs N] [--only NAME,NAME] [--dir DIR] [--json]
//   bench --wire [--runs N] [--dir DIR] [--json]    only the second table, what a sync costs on the wire
//   bench --bootstrap [--runs N] [--dir DIR]    a new PC of a township, beside plain SQLite
//   bench --hot NAME [--dir DIR]    one path for a counter of instructions; list: their names
//   bench --dump DIR        writes the workload as .tsv and prints its digest
//   bench --packed FILE     bytes of a change set, zstd -3: for peers that are no part of this program
//
// Rounds are interleaved (plain, peer, peer, plain, ...), so that whatever else the
// machine does hits all alike, and a ratio is taken within its round before the
// median. Absolute times mean little; the ratio to plain is the figure.
//
// Every step runs in a forked child on a fresh directory: no heap, page cache or
// open file of one subject helps or hurts the next. W1, W2 and W3 share a child,
// because a peer that records in memory has nothing to export in another process.
#include "bootstrap.h"
#include "hot_paths.h"
#include "subject.h"
#include "wire.h"
#include "workload.h"

#include <fcntl.h>
#include <malloc.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <optional>
#include <stdexcept>
#include <unordered_map>

namespace taizhang::bench {

// Linked only while there is no tests/bench/taizhang.cpp.
__attribute__((weak)) std::unique_ptr<Subject> make_taizhang() { return nullptr; }

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPerTx = 100;
constexpr std::size_t kDurableRows = 2000;
constexpr int kZstdLevel = 3;

struct Figure {
    const char* key;    ///< in the JSON
    const char* label;  ///< in the table
    int decimals;
    bool has_ratio;
};
enum FigureIndex : std::size_t { w1, w1d, w2, w3, w3_raw, w3_zstd, w4, w5, w5_bytes, w5_lines, w6, w7_local, w7_apply };
constexpr std::array<Figure, 13> kFigures{{
    {"w1_s", "W1  insert, tx of 100       s", 3, true},
    {"w1d_s", "W1d 2,000 durable inserts   s", 3, true},
    {"w2_s", "W2  update, tx of 100       s", 3, true},
    {"w3_s", "W3  export                  s", 3, true},
    {"w3_raw_mb", "W3  change set             MB", 2, true},
    {"w3_zstd_mb", "W3  change set, zstd -3    MB", 2, true},
    {"w4_s", "W4  apply in a fresh one    s", 3, true},
    {"w5_s", "W5  merge both ways         s", 3, true},
    {"w5_kb", "W5  exchanged              kB", 0, true},
    {"w5_conflict_lines", "W5  conflict lines kept      ", 0, false},
    {"w6_mb", "W6  disk after W1+W2       MB", 2, true},
    {"w7_local_mib", "W7  peak above start, local MiB", 1, true},
    {"w7_apply_mib", "W7  peak above start, apply MiB", 1, true},
}};

/// What one child measured; NaN where it measured nothing. Plain bytes: it goes through a pipe.
struct Figures {
    std::array<double, kFigures.size()> values;
    Figures() { values.fill(std::numeric_limits<double>::quiet_NaN()); }
    double& operator[](FigureIndex i) { return values[i]; }
};

template <class Work>
double seconds_of(Work&& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// ---- memory ----

/// VmHWM of this process in MiB. A forked child starts with its own: what it
/// inherits (the workload above all) counts as its start.
double peak_mib() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("VmHWM:")) return std::strtod(line.c_str() + 6, nullptr) / 1024;
    }
    throw std::runtime_error("no VmHWM in /proc/self/status");
}

/// Free memory inherited from the parent would be used first and hide growth: give
/// it back, then make the mark fall to what is held now (ignored if not allowed).
double start_of_peak_mib() {
    malloc_trim(0);
    std::ofstream("/proc/self/clear_refs") << "5";
    return peak_mib();
}

// ---- checks: a fast wrong answer is no answer ----

struct IdHash {
    std::size_t operator()(const TaskId& id) const { return std::hash<std::string_view>{}(view_of(id)); }
};
using Rows = std::unordered_map<TaskId, Task, IdHash>;

Rows rows_of(Subject& subject) {
    Rows rows;
    subject.scan([&](const Task& t) {
        if (!rows.emplace(t.id, t).second) throw std::runtime_error("a row came twice");
    });
    return rows;
}

std::vector<Task> after_updates(const Workload& w) {
    std::vector<Task> rows = w.rows;
    for (const auto& u : w.updates) set_column(rows[u.row], u);
    return rows;
}

void expect_rows(Subject& subject, std::span<const Task> expected, const char* step) {
    const Rows rows = rows_of(subject);
    bool equal = rows.size() == expected.size();
    for (const auto& t : expected) {
        if (!equal) break;
        const auto at = rows.find(t.id);
        equal = at != rows.end() && at->second == t;
    }
    if (!equal) throw std::runtime_error(std::string(step) + ": the rows are not what they should be");
}

/// Whatever rule a subject has: changes of different columns both stand, and where
/// both sides changed the same one, one of the two values does, on both sides.
void expect_merged(Subject& a, Subject& b, const Workload& w) {
    const Rows in_a = rows_of(a);
    if (in_a.size() != w.rows.size()) throw std::runtime_error("W5: rows are missing");
    if (!a.has_rule()) return;
    if (in_a != rows_of(b)) throw std::runtime_error("W5: the two replicas differ");

    std::vector<Task> expected = w.rows;
    for (std::size_t k = 0; k < w.conflicts_a.size(); ++k) {
        const auto& ours = w.conflicts_a[k];
        const auto& theirs = w.conflicts_b[k];
        Task& t = expected[ours.row];
        set_column(t, ours);
        if (k >= Workload::kSameColumn) {
            set_column(t, theirs);
        } else if (in_a.at(t.id).status != ours.text) {
            set_column(t, theirs);
        }
    }
    expect_rows(a, expected, "W5");
}

// ---- steps ----

using Factory = std::unique_ptr<Subject> (*)();

struct Scene {
    const Workload& workload;
    Factory make;
    fs::path dir;           ///< fresh for this step
    fs::path changes_file;  ///< written by `local`, read by `apply`
};

double megabytes_in(const fs::path& dir) {
    std::uintmax_t bytes = 0;
    for (const auto& entry : fs::recursive_directory_iterator(dir)) {
        if (entry.is_regular_file()) bytes += entry.file_size();
    }
    return static_cast<double>(bytes) / 1e6;
}

std::string content_of(const fs::path& path) {
    std::string out(fs::file_size(path), '\0');
    std::ifstream file(path, std::ios::binary);
    if (!file.read(out.data(), static_cast<std::streamsize>(out.size()))) {
        throw std::runtime_error("cannot read " + path.string());
    }
    return out;
}

double compressed_megabytes(std::string_view bytes) {
    std::string out(ZSTD_compressBound(bytes.size()), '\0');
    const std::size_t size = ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), kZstdLevel);
    if (ZSTD_isError(size) != 0) throw std::runtime_error(ZSTD_getErrorName(size));
    return static_cast<double>(size) / 1e6;
}

Figures local(const Scene& scene) {
    const auto& w = scene.workload;
    Figures out;
    const auto subject = scene.make();
    const double start_mib = start_of_peak_mib();
    subject->open(scene.dir);
    out[w1] = seconds_of([&] { subject->insert(w.rows, kPerTx); });
    out[w2] = seconds_of([&] { subject->update(w.rows, w.updates, kPerTx); });
    Bytes changes;
    out[w3] = seconds_of([&] { changes = subject->export_changes(); });
    out[w7_local] = peak_mib() - start_mib;

    out[w3_raw] = static_cast<double>(changes.view.size()) / 1e6;
    out[w3_zstd] = compressed_megabytes(changes.view);
    std::ofstream file(scene.changes_file, std::ios::binary);
    file.write(changes.view.data(), static_cast<std::streamsize>(changes.view.size()));
    if (!file.flush()) throw std::runtime_error("cannot write " + scene.changes_file.string());
    expect_rows(*subject, after_updates(w), "W2");
    subject->close();
    out[w6] = megabytes_in(scene.dir);
    return out;
}

Figures durable(const Scene& scene) {
    const auto rows = std::span(scene.workload.rows).first(kDurableRows);
    Figures out;
    const auto subject = scene.make();
    subject->open(scene.dir);
    out[w1d] = seconds_of([&] { subject->insert_durable(rows); });
    expect_rows(*subject, rows, "W1d");
    subject->close();
    return out;
}

Figures apply(const Scene& scene) {
    Figures out;
    const auto subject = scene.make();
    // Holding the change set is part of taking it in, so it counts as growth.
    const double start_mib = start_of_peak_mib();
    const std::string changes = content_of(scene.changes_file);
    subject->open(scene.dir);
    out[w4] = seconds_of([&] { subject->apply(changes); });
    out[w7_apply] = peak_mib() - start_mib;
    expect_rows(*subject, after_updates(scene.workload), "W4");
    subject->close();
    return out;
}

Figures merge(const Scene& scene) {
    const auto& w = scene.workload;
    Figures out;
    const auto a = scene.make();
    const auto b = scene.make();
    fs::create_directory(scene.dir / "a");
    fs::create_directory(scene.dir / "b");
    a->open(scene.dir / "a");
    b->open(scene.dir / "b");
    // B gets the rows from A: they are the same rows, not the same work done twice.
    a->insert(w.rows, kPerTx);
    b->apply(a->export_changes().view);
    a->synced();
    b->synced();
    a->update(w.rows, w.conflicts_a, kPerTx);
    b->update(w.rows, w.conflicts_b, kPerTx);

    const MergeResult result = a->merge(*b);
    out[w5] = result.seconds;
    out[w5_bytes] = static_cast<double>(result.bytes) / 1e3;
    out[w5_lines] = static_cast<double>(result.conflict_lines);
    expect_merged(*a, *b, w);
    a->close();
    b->close();
    return out;
}

using Step = Figures (*)(const Scene&);
constexpr std::array<Step, 4> kSteps{local, durable, apply, merge};

/// Runs a step in a child. Its error goes to stderr; then there are no figures.
std::optional<Figures> in_child(Step step, const Scene& scene, std::string_view name) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe failed");
    std::fflush(nullptr);
    const pid_t child = fork();
    if (child < 0) throw std::runtime_error("fork failed");
    if (child == 0) {
        int status = 1;
        try {
            const Figures figures = step(scene);
            if (write(ends[1], &figures, sizeof figures) == static_cast<ssize_t>(sizeof figures)) status = 0;
        } catch (const std::exception& e) {
            std::fprintf(stderr, "%.*s: %s\n", static_cast<int>(name.size()), name.data(), e.what());
        }
        _exit(status);  // the parent's buffers and destructors are the parent's
    }
    ::close(ends[1]);
    Figures figures;
    // Far below a pipe's atomic size: one read gets it all or the child died.
    const bool complete = read(ends[0], &figures, sizeof figures) == static_cast<ssize_t>(sizeof figures);
    ::close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (complete && status == 0) return figures;
    if (WIFSIGNALED(status)) {
        std::fprintf(stderr, "%.*s: killed by signal %d\n", static_cast<int>(name.size()), name.data(),
                     WTERMSIG(status));
    }
    return std::nullopt;
}

/// One subject's steps in one round.
std::optional<Figures> run_subject(const Workload& workload, Factory make, std::string_view name, const fs::path& dir) {
    Figures all;
    for (const Step step : kSteps) {
        const Scene scene{workload, make, dir / "step", dir / "changes"};
        fs::create_directories(scene.dir);
        const auto figures = in_child(step, scene, name);
        fs::remove_all(scene.dir);
        if (!figures) return std::nullopt;
        for (std::size_t i = 0; i < kFigures.size(); ++i) {
            if (!std::isnan(figures->values[i])) all.values[i] = figures->values[i];
        }
    }
    return all;
}

// ---- results ----

double median(std::vector<double> v) {
    if (v.empty()) return std::numeric_limits<double>::quiet_NaN();
    std::sort(v.begin(), v.end());
    const std::size_t middle = v.size() / 2;
    return v.size() % 2 != 0 ? v[middle] : (v[middle - 1] + v[middle]) / 2;
}

struct Contender {
    std::string name;
    Factory make;
    std::vector<Figures> rounds;

    double value(std::size_t figure) const {
        std::vector<double> all;
        for (const auto& r : rounds) all.push_back(r.values[figure]);
        return median(std::move(all));
    }
    /// To the floor, round by round.
    double ratio(std::size_t figure, const Contender& floor) const {
        std::vector<double> all;
        for (std::size_t r = 0; r < rounds.size(); ++r) {
            all.push_back(rounds[r].values[figure] / floor.rounds[r].values[figure]);
        }
        return median(std::move(all));
    }
};

void print_table(const std::vector<Contender>& contenders, std::size_t runs) {
    std::printf(
        "SQLite %s, WAL, synchronous=FULL; medians of %zu interleaved rounds; in brackets the ratio to plain\n\n",
        sqlite3_libversion(), runs);
    std::printf("| %-31s |", "");
    for (const auto& c : contenders) std::printf(" %16s |", c.name.c_str());
    std::printf("\n|%s|", std::string(33, '-').c_str());
    for (std::size_t i = 0; i < contenders.size(); ++i) std::printf("%s:|", std::string(17, '-').c_str());
    std::printf("\n");
    for (std::size_t f = 0; f < kFigures.size(); ++f) {
        std::printf("| %-31s |", kFigures[f].label);
        for (const auto& c : contenders) {
            char cell[64];
            int used = std::snprintf(cell, sizeof cell, "%.*f", kFigures[f].decimals, c.value(f));
            if (kFigures[f].has_ratio && &c != &contenders.front()) {
                std::snprintf(cell + used, sizeof cell - static_cast<std::size_t>(used), " (%.2f)",
                              c.ratio(f, contenders.front()));
            }
            std::printf(" %16s |", cell);
        }
        std::printf("\n");
    }
}

// Our own names only, nothing to escape.
void print_json(const std::vector<Contender>& contenders, std::size_t runs) {
    std::printf("{\"runs\":%zu,\"sqlite\":\"%s\",\"subjects\":[", runs, sqlite3_libversion());
    for (const auto& c : contenders) {
        std::printf("%s\n {\"name\":\"%s\",\"figures\":{", &c == &contenders.front() ? "" : ",", c.name.c_str());
        for (std::size_t f = 0; f < kFigures.size(); ++f) {
            std::printf("%s\n  \"%s\":{\"median\":%.6g", f == 0 ? "" : ",", kFigures[f].key, c.value(f));
            if (kFigures[f].has_ratio) std::printf(",\"ratio_to_plain\":%.4g", c.ratio(f, contenders.front()));
            std::printf(",\"rounds\":[");
            for (std::size_t r = 0; r < c.rounds.size(); ++r) {
                std::printf("%s%.6g", r == 0 ? "" : ",", c.rounds[r].values[f]);
            }
            std::printf("]}");
        }
        std::printf("}}");
    }
    std::printf("\n]}\n");
}

// ---- the wire ----

/// Figures of one sync, medians each.
WireCost median_of(const std::vector<WireCosts>& all, WireCost WireCosts::*which) {
    auto of = [&](double WireCost::*figure) {
        std::vector<double> v;
        for (const auto& c : all) v.push_back(c.*which.*figure);
        return median(std::move(v));
    };
    return {of(&WireCost::up), of(&WireCost::down), of(&WireCost::requests), of(&WireCost::seconds)};
}

struct WireLine {
    const char* key;    ///< in the JSON
    const char* label;  ///< in the table
    WireCost WireCosts::*which;
    const char* to_reach;
};
constexpr std::array<WireLine, 4> kWireLines{{
    {"nothing", "nothing new", &WireCosts::nothing, "350 B both ways, then 250; 497 B is the best peer's"},
    {"ten", "ten one-field edits", &WireCosts::ten, "600 B both ways in one request, then 300"},
    {"first", "first sync of 20,000 rows", &WireCosts::first, "0.25 s, 3.4 MB, 1-2 requests"},
    {"upload", "the same rows sent up", &WireCosts::upload, "-"},
}};

void print_wire_json(const std::vector<WireCosts>& all) {
    std::printf("{\"runs\":%zu,\"wire\":{", all.size());
    for (const auto& line : kWireLines) {
        const auto c = median_of(all, line.which);
        std::printf("%s\n \"%s\":{\"up\":%.0f,\"down\":%.0f,\"requests\":%.0f,\"seconds\":%.6g}",
                    &line == kWireLines.data() ? "" : ",", line.key, c.up, c.down, c.requests, c.seconds);
    }
    std::printf("}}\n");
}

void print_wire(const Workload& workload, std::size_t runs, const fs::path& dir, bool json) {
    std::vector<WireCosts> all;
    for (std::size_t round = 0; round < runs; ++round) {
        fs::create_directories(dir);
        all.push_back(measure_wire(workload, dir));
        fs::remove_all(dir);
    }
    if (json) return print_wire_json(all);
    std::printf("\nOn the wire over loopback, HTTP headers included; medians of %zu runs\n\n", runs);
    std::printf("| %-26s | %10s | %10s | %10s | %8s | %7s | %s |\n|%s|%s:|%s:|%s:|%s:|%s:|---|\n", "", "up B", "down B",
                "both B", "requests", "s", "to reach", std::string(28, '-').c_str(), std::string(11, '-').c_str(),
                std::string(11, '-').c_str(), std::string(11, '-').c_str(), std::string(9, '-').c_str(),
                std::string(8, '-').c_str());
    for (const auto& line : kWireLines) {
        const auto c = median_of(all, line.which);
        std::printf("| %-26s | %10.0f | %10.0f | %10.0f | %8.0f | %7.3f | %s |\n", line.label, c.up, c.down,
                    c.up + c.down, c.requests, c.seconds, line.to_reach);
    }
}

// ---- command line ----

struct Options {
    std::size_t runs = 3;
    fs::path dir = "/var/tmp/taizhang-bench";
    std::string only;  ///< names, comma separated; empty: all
    fs::path dump, packed;
    std::string hot;
    bool json = false;
    bool wire = false, bootstrap = false;  ///< nothing else
};

constexpr const char* kUsage =
    "usage: bench [--runs N] [--only NAME,NAME] [--dir DIR] [--json]\n"
    "       bench --wire [--runs N] [--dir DIR] [--json]\n"
    "       bench --bootstrap [--runs N] [--dir DIR]\n"
    "       bench --hot NAME [--dir DIR]\n"
    "       bench --dump DIR\n"
    "       bench --packed FILE\n";

std::optional<Options> parse(std::span<char*> args) {
    Options out;
    for (std::size_t i = 1; i < args.size(); ++i) {
        const std::string_view name = args[i];
        if (name == "--json" || name == "--wire" || name == "--bootstrap") {
            (name == "--json" ? out.json : name == "--wire" ? out.wire : out.bootstrap) = true;
            continue;
        }
        if (i + 1 == args.size()) return std::nullopt;
        const std::string_view value = args[++i];
        if (name == "--runs") {
            const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), out.runs);
            if (error != std::errc{} || end != value.data() + value.size() || out.runs == 0) return std::nullopt;
        } else if (name == "--dir") {
            out.dir = value;
        } else if (name == "--only") {
            out.only = value;
        } else if (name == "--hot") {
            out.hot = value;
        } else if (name == "--dump") {
            out.dump = value;
        } else if (name == "--packed") {
            out.packed = value;
        } else {
            return std::nullopt;
        }
    }
    return out;
}

/// Plain always takes part: without the floor there is no ratio.
std::vector<Contender> contenders_for(const std::string& only) {
    std::vector<Contender> out;
    for (const Factory make : {make_plain, make_session, make_trigger_log, make_taizhang}) {
        const auto subject = make();
        if (!subject) continue;
        const std::string name(subject->name());
        const bool named = ("," + only + ",").find("," + name + ",") != std::string::npos;
        if (out.empty() || only.empty() || named) out.push_back({name, make, {}});
    }
    return out;
}

/// A directory of our own inside DIR, gone at the end whatever happens; DIR itself
/// only if that leaves it empty, since it may be somebody's.
class WorkDir {
public:
    explicit WorkDir(fs::path parent)
        : parent_(std::move(parent)), own_(parent_ / ("run-" + std::to_string(getpid()))) {
        fs::create_directories(own_);
    }
    WorkDir(const WorkDir&) = delete;
    WorkDir& operator=(const WorkDir&) = delete;
    ~WorkDir() {
        std::error_code ignored;
        fs::remove_all(own_, ignored);
        fs::remove(parent_, ignored);
    }
    const fs::path& path() const { return own_; }

private:
    fs::path parent_;
    fs::path own_;
};

/// Prints how many units there were: what the counter saw is divided by that.
int run_hot_path(const Options& options) {
    use_one_core();
    for (const auto& p : hot_paths()) {
        if (options.hot == "list") std::printf("%s\t%s\n", p.name, p.unit);
        if (options.hot != p.name) continue;
        const WorkDir work(options.dir);
        std::printf("%zu\n", p.run(Workload::make(), work.path()));
        return 0;
    }
    if (options.hot == "list") return 0;
    std::fprintf(stderr, "bench: no path %s; see --hot list\n", options.hot.c_str());
    return 2;
}

int run(const Options& options) {
    if (!options.hot.empty()) return run_hot_path(options);
    if (options.bootstrap) {
        const WorkDir work(options.dir);
        print_bootstrap(options.runs, work.path());
        return 0;
    }
    if (!options.packed.empty()) {
        std::printf("%.0f\n", compressed_megabytes(content_of(options.packed)) * 1e6);
        return 0;
    }
    const Workload workload = Workload::make();
    if (!options.dump.empty()) {
        workload.dump(options.dump);
        std::printf("%s\n", workload.digest().c_str());
        return 0;
    }
    const WorkDir work(options.dir);
    if (options.wire) {
        print_wire(workload, options.runs, work.path() / "wire", options.json);
        return 0;
    }
    auto contenders = contenders_for(options.only);
    for (std::size_t round = 0; round < options.runs; ++round) {
        for (auto& c : contenders) {
            std::fprintf(stderr, "round %zu of %zu: %s\n", round + 1, options.runs, c.name.c_str());
            const auto figures = run_subject(workload, c.make, c.name, work.path() / c.name);
            if (!figures) return 1;
            c.rounds.push_back(*figures);
        }
    }
    options.json ? print_json(contenders, options.runs) : print_table(contenders, options.runs);
    if (!options.json && options.only.empty()) print_wire(workload, options.runs, work.path() / "wire", false);
    return 0;
}

}  // namespace
}  // namespace taizhang::bench

int main(int argc, char** argv) {
    const auto options = taizhang::bench::parse({argv, static_cast<std::size_t>(argc)});
    if (!options) {
        std::fputs(taizhang::bench::kUsage, stderr);
        return 2;
    }
    try {
        return taizhang::bench::run(*options);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "bench: %s\n", e.what());
        return 1;
    }
}
