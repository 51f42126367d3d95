// worker.h - a second core for work that needs nothing of its caller's: packing, unpacking, hashing.
//
// Whoever has a core to spare hands a Worker in; without one everything is done in
// place, in the same order and with the same result. What runs there is pure: bytes
// in, bytes out, nothing of a database, of a clock or of anybody's state.
#pragma once

#include <functional>
#include <memory>

namespace taizhang {

class Worker {
public:
    virtual ~Worker() = default;
    /// Begins; false: another piece was begun and not waited for, and nothing is begun.
    virtual bool begin(std::function<void()> work) = 0;
    /// Returns when what was begun is done; throws what that threw.
    virtual void wait() = 0;
};

/// A thread that sleeps until there is work. Threads: one at a time may use it.
std::unique_ptr<Worker> make_worker_thread();

/// One piece of work, waited for before its owner goes away.
class Task {
public:
    /// Null: done in place.
    explicit Task(Worker* worker) : worker_(worker) {}
    ~Task() { drop(); }
    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;

    /// On the worker, or in place when that is busy or the piece is not worth the way there.
    void begin(std::function<void()> work, bool is_worth_it = true);
    void wait();
    /// Waits; what it made, or threw, is of no interest.
    void drop();

private:
    Worker* worker_;
    bool is_there_ = false;
};

}  // namespace taizhang
