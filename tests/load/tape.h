// tape.h - what each device would send, written down: a file of requests, and the two halves that write and play it.
//
// Layout of DIR/tape: for each device, one after the other, u32 number of requests, then for each u8 (1: to /files,
// 0: to /sync), u32 length, bytes. All of this machine's own byte order: it is read where it was written.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace taizhang::load {

struct Options {
    std::filesystem::path dir;
    std::string city;    ///< a city file; empty: the demo city
    std::string server;  ///< empty: the taizhangd beside this program
    int branches = 1000;
    int edits = 20;
    int photo_kb = 200;  ///< 0: none
    int at_once = 64;    ///< connections at one time
    double minutes = 0;  ///< arrivals spread evenly over so long; 0: each as soon as there is room
    bool json = false;
};

struct Request {
    bool is_files = false;
    std::string body;
};

int prepare(const Options& options);
int run(const Options& options);

}  // namespace taizhang::load
