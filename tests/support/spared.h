// spared.h - while one of these lives, memory that is made to give out does not: what a test stands on asks for some.
//
// Who fails allocations (tests/proof/memory.cpp) looks at `depth`. Threads: one.
#pragma once

namespace taizhang::support {

struct Spared {
    Spared() { ++depth; }
    ~Spared() { --depth; }
    Spared(const Spared&) = delete;
    Spared& operator=(const Spared&) = delete;
    static inline thread_local int depth = 0;
};

}  // namespace taizhang::support
