#include "base/worker.h"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

namespace taizhang {
namespace {

class WorkerThread final : public Worker {
public:
    WorkerThread() : thread_([this] { run(); }) {}
    ~WorkerThread() override {
        {
            const std::lock_guard lock(mutex_);
            is_ending_ = true;
        }
        changed_.notify_all();
        thread_.join();
    }

    bool begin(std::function<void()> work) override {
        {
            const std::lock_guard lock(mutex_);
            if (std::exchange(is_given_, true)) return false;
            work_ = std::move(work);
        }
        changed_.notify_all();
        return true;
    }

    void wait() override {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return !work_; });
        is_given_ = false;
        if (auto thrown = std::exchange(thrown_, nullptr)) std::rethrow_exception(thrown);
    }

private:
    void run() {
        std::unique_lock lock(mutex_);
        for (;;) {
            changed_.wait(lock, [this] { return work_ || is_ending_; });
            if (!work_) return;
            lock.unlock();
            std::exception_ptr thrown;
            try {
                work_();
            } catch (...) {
                thrown = std::current_exception();
            }
            lock.lock();
            work_ = nullptr;
            thrown_ = thrown;
            changed_.notify_all();
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::function<void()> work_;  // not empty while it is being done
    bool is_given_ = false;       // and until whoever gave it has waited for it: what it threw is his
    std::exception_ptr thrown_;
    bool is_ending_ = false;
    std::thread thread_;  // the last: it uses the others
};

}  // namespace

std::unique_ptr<Worker> make_worker_thread() { return std::make_unique<WorkerThread>(); }

void Task::drop() {
    try {
        wait();
    } catch (...) {
    }
}

void Task::begin(std::function<void()> work, bool is_worth_it) {
    wait();
    if (worker_ && is_worth_it && worker_->begin(work)) {
        is_there_ = true;
        return;
    }
    work();
}

void Task::wait() {
    if (!std::exchange(is_there_, false)) return;
    worker_->wait();
}

}  // namespace taizhang
