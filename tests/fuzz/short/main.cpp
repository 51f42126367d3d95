// The fuzz targets without a fuzzer: their corpora, and changes of them that are the same on every machine.
//
// tools/fuzz runs them under libFuzzer, which learns and goes on for as long as one likes. This one needs no clang and
// some seconds, so each run of the tests has it, under the sanitizers too.
//
//   fuzz_short [--executions N] [--only TARGET] CORPUS     CORPUS/TARGET/* are the seeds
//   fuzz_short --make CORPUS                               writes seeds from a small city's real messages
#include "tests/fuzz/short/short.h"
#include "tests/support/reference_fold.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

namespace fs = std::filesystem;
using taizhang::reference::Random;

extern "C" {
#define TZ_TARGET(name) int fuzz_##name(const std::uint8_t* data, std::size_t size);
#include "tests/fuzz/short/targets.inc"
#undef TZ_TARGET
}

namespace {

struct Target {
    const char* name;
    int (*run)(const std::uint8_t*, std::size_t);
};
constexpr Target kTargets[] = {
#define TZ_TARGET(name) {#name, fuzz_##name},
#include "tests/fuzz/short/targets.inc"
#undef TZ_TARGET
};

/// Whose executions cost a millisecond and more: a tenth of them.
bool is_slow(const Target& t) { return std::string_view(t.name) == "state"; }

constexpr std::size_t kBytesMax = 4096;  // as tools/fuzz

std::string g_input;  // what is being tried, for whoever looks into a crash

std::vector<std::string> seeds_of(const fs::path& folder) {
    std::vector<fs::path> files;
    std::error_code ec;
    for (const auto& e : fs::directory_iterator(folder, ec)) files.push_back(e.path());
    std::sort(files.begin(), files.end());
    std::vector<std::string> out;
    for (const auto& f : files) {
        std::ifstream in(f, std::ios::binary);
        out.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    }
    return out;
}

/// Bytes flipped, put in, taken out, said twice; numbers that are borders of lengths; a piece of another seed.
std::string changed(Random& random, const std::vector<std::string>& seeds) {
    const auto pick = [&](std::size_t n) { return static_cast<std::size_t>(random.pick(static_cast<int>(n))); };
    auto s = seeds[pick(seeds.size())];
    for (int n = 1 + random.pick(4); n > 0; --n) {
        const auto at = s.empty() ? 0 : pick(s.size());
        switch (random.pick(8)) {
            case 0:
                if (!s.empty()) s[at] = static_cast<char>(s[at] ^ (1 << random.pick(8)));
                break;
            case 1:
                if (!s.empty()) s[at] = static_cast<char>(random.pick(256));
                break;
            case 2: s.insert(at, 1, static_cast<char>(random.pick(256))); break;
            case 3:
                if (!s.empty()) s.erase(at, 1 + pick(8));
                break;
            case 4: s.insert(at, s.substr(at, pick(64))); break;
            case 5: {
                static constexpr const char* borders[] = {"\x7f", "\x80\x01", "\xff\xff\x03", "\xff\xff\xff\xff\x0f",
                                                          "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"};
                const std::string b = borders[random.pick(5)];
                s.replace(at, std::min(b.size(), s.size() - at), b);
                break;
            }
            case 6: s.resize(at); break;
            default: {
                const auto& other = seeds[pick(seeds.size())];
                if (!other.empty()) s = s.substr(0, at) + other.substr(pick(other.size()));
            }
        }
        if (s.size() > kBytesMax) s.resize(kBytesMax);
    }
    return s;
}

void run_one(const Target& t, std::string input) {
    g_input = std::move(input);
    t.run(reinterpret_cast<const std::uint8_t*>(g_input.data()), g_input.size());
}

/// Gives the executions.
int run(const Target& t, const fs::path& corpus, int executions) {
    const auto seeds = seeds_of(corpus / t.name);
    if (seeds.empty()) {
        std::cerr << "fuzz_short: no seeds in " << corpus / t.name << "\n";
        std::exit(1);
    }
    for (const auto& s : seeds) run_one(t, s);
    if (is_slow(t)) executions /= 10;
    Random random(std::hash<std::string_view>{}(t.name) % 1000 + 1);
    for (int i = 0; i < executions; ++i) run_one(t, changed(random, seeds));
    return executions + static_cast<int>(seeds.size());
}

/// A crash leaves its input where the next run and a debugger find it.
void keep_input(int signal) {
    if (std::FILE* f = std::fopen("fuzz-crash", "wb")) {
        std::fwrite(g_input.data(), 1, g_input.size(), f);
        std::fclose(f);
    }
    std::signal(signal, SIG_DFL);
    std::raise(signal);
}

}  // namespace

int main(int argc, char** argv) {
    int executions = 20'000;
    std::string only, make, corpus;
    for (int i = 1; i < argc; ++i) {
        const std::string a = argv[i];
        const bool has_next = i + 1 < argc;
        if (a == "--executions" && has_next)
            executions = std::atoi(argv[++i]);
        else if (a == "--only" && has_next)
            only = argv[++i];
        else if (a == "--make" && has_next)
            make = argv[++i];
        else
            corpus = a;
    }
    if (!make.empty()) return taizhang::fuzz::make_seeds(make) ? 0 : 1;
    if (corpus.empty()) {
        std::cerr << "usage: fuzz_short [--executions N] [--only TARGET] CORPUS | --make CORPUS\n";
        return 2;
    }
    for (const int s : {SIGABRT, SIGSEGV}) std::signal(s, keep_input);
    for (const auto& t : kTargets) {
        if (!only.empty() && only != t.name) continue;
        const auto begin = std::chrono::steady_clock::now();
        const int n = run(t, corpus, executions);
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
        std::cout << t.name << ": " << n << " executions, " << took.count() << " s" << std::endl;
    }
}
