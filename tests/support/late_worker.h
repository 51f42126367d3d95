// late_worker.h - a Worker that does everything at the last moment, on the caller's thread: what a busy second core
// does to the order of things, the same each time.
#pragma once

#include "base/worker.h"

#include <utility>

namespace taizhang::support {

class LateWorker final : public Worker {
public:
    bool begin(std::function<void()> work) override {
        if (work_) return false;
        work_ = std::move(work);
        return true;
    }
    void wait() override {
        if (const auto work = std::exchange(work_, nullptr)) work();
    }

private:
    std::function<void()> work_;
};

}  // namespace taizhang::support
