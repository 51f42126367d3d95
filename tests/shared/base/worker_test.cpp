// A piece of work beside the caller: done once, waited for, and its failure told to whoever waits.
#include "base/worker.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <stdexcept>
#include <thread>

namespace taizhang::worker_test {
namespace {

TEST_CASE("a worker does what it was given, one piece after the other", "[base][worker]") {
    const auto worker = make_worker_thread();
    Task task(worker.get());
    std::thread::id where;
    for (int n = 1; n <= 1000; ++n) {
        int made = 0;
        task.begin([&] {
            made = n;
            where = std::this_thread::get_id();
        });
        task.wait();
        REQUIRE(made == n);
    }
    CHECK(where != std::this_thread::get_id());
}

TEST_CASE("a worker that is busy leaves the next piece to the caller", "[base][worker]") {
    const auto worker = make_worker_thread();
    std::atomic<bool> may_end = false;
    Task first(worker.get()), second(worker.get());
    first.begin([&] {
        while (!may_end) std::this_thread::yield();
    });
    std::thread::id where;
    second.begin([&] { where = std::this_thread::get_id(); });
    CHECK(where == std::this_thread::get_id());
    second.wait();  // not for the first one's piece
    may_end = true;
    first.wait();
}

TEST_CASE("what a piece threw is kept for whoever gave it, whatever comes in between", "[base][worker]") {
    const auto worker = make_worker_thread();
    std::atomic<bool> has_begun = false;
    Task first(worker.get()), second(worker.get());
    first.begin([&] {
        has_begun = true;
        throw std::runtime_error("no memory");
    });
    while (!has_begun) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // so that it has ended, most likely
    std::thread::id where;
    second.begin([&] { where = std::this_thread::get_id(); });
    CHECK(where == std::this_thread::get_id());
    CHECK_NOTHROW(second.wait());
    CHECK_THROWS_WITH(first.wait(), "no memory");
}

TEST_CASE("what is not worth the way, or has no worker, is done at once", "[base][worker]") {
    const auto worker = make_worker_thread();
    for (auto* w : {worker.get(), static_cast<Worker*>(nullptr)}) {
        std::thread::id where;
        Task task(w);
        task.begin([&] { where = std::this_thread::get_id(); }, false);
        CHECK(where == std::this_thread::get_id());
    }
}

TEST_CASE("what a piece throws comes to whoever waits for it, once", "[base][worker]") {
    const auto worker = make_worker_thread();
    Task task(worker.get());
    task.begin([] { throw std::runtime_error("no memory"); });
    CHECK_THROWS_WITH(task.wait(), "no memory");
    CHECK_NOTHROW(task.wait());
    task.begin([] { throw std::runtime_error("again"); });
    CHECK_NOTHROW(task.drop());
    bool done = false;
    task.begin([&] { done = true; });
    task.wait();
    CHECK(done);
}

TEST_CASE("a task that goes away has ended", "[base][worker]") {
    const auto worker = make_worker_thread();
    std::atomic<bool> done = false;
    {
        Task task(worker.get());
        task.begin([&] {
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
            done = true;
        });
    }
    CHECK(done);
}

}  // namespace
}  // namespace taizhang::worker_test
