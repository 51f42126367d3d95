// second_commit.h - a header as a commit has it that follows another, for the tests of the log.
#pragma once

#include "log/commit.h"

namespace taizhang {

inline CommitHeader header_of_second() {
    CommitHeader h;
    h.replica.bytes.fill(9);
    h.stream = {"B01", Audience::ledger};
    h.seq = Seq{2};
    h.prev = hash_of("before");
    h.control = ControlPos{1};
    h.catalog = 1;
    h.time = 1;
    return h;
}

}  // namespace taizhang
