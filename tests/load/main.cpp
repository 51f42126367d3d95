// main.cpp - the last minutes before a deadline: every branch syncs at once with a real taizhangd.
//
//   load prepare --dir DIR [--branches N] [--edits N] [--photo-kb N] [--city FILE]
//   load run --dir DIR [--server PROGRAM] [--at-once N] [--minutes M] [--json]
//
// `prepare` makes a city's data folder with N enrolled devices and writes down what each of them would send: one
// request with its edits, then those with a photo. It answers them in a transaction that is undone, so the city knows
// nothing of them yet. `run` starts the server on that folder, plays what was written down over a connection for each
// device, and counts afterwards in the database what arrived. A prepared folder is used up by a run.
//
// Device and server are two processes; what the sending costs on the same processors is part of the figures.
#include "tape.h"

#include <cstdio>
#include <cstdlib>
#include <span>
#include <stdexcept>
#include <string_view>

namespace taizhang::load {
namespace {

constexpr const char* kUsage =
    "usage: load prepare --dir DIR [--branches N] [--edits N] [--photo-kb N] [--city FILE]\n"
    "       load run --dir DIR [--server PROGRAM] [--at-once N] [--minutes M] [--json]\n";

int usage() {
    std::fputs(kUsage, stderr);
    return 2;
}

int begin(std::span<char*> args) {
    if (args.size() < 2) return usage();
    const std::string_view what = args[1];
    Options o;
    for (std::size_t i = 2; i < args.size(); ++i) {
        const std::string_view name = args[i];
        if (name == "--json") {
            o.json = true;
            continue;
        }
        if (i + 1 == args.size()) return usage();
        const char* value = args[++i];
        if (name == "--dir")
            o.dir = value;
        else if (name == "--city")
            o.city = value;
        else if (name == "--server")
            o.server = value;
        else if (name == "--branches")
            o.branches = std::atoi(value);
        else if (name == "--edits")
            o.edits = std::atoi(value);
        else if (name == "--photo-kb")
            o.photo_kb = std::atoi(value);
        else if (name == "--at-once")
            o.at_once = std::atoi(value);
        else if (name == "--minutes")
            o.minutes = std::atof(value);
        else
            return usage();
    }
    if (o.dir.empty() || o.branches < 1 || o.edits < 1 || o.photo_kb < 0 || o.at_once < 1) return usage();
    if (what == "prepare") return prepare(o);
    return what == "run" ? run(o) : usage();
}

}  // namespace
}  // namespace taizhang::load

int main(int argc, char** argv) {
    try {
        return taizhang::load::begin({argv, static_cast<std::size_t>(argc)});
    } catch (const std::exception& e) {
        std::fprintf(stderr, "load: %s\n", e.what());
        return 1;
    }
}
