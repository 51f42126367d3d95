// The store thread and whoever waits for it.
#include "node/store.h"

#include <unistd.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <thread>

namespace taizhang::node::store_test {
namespace {

namespace fs = std::filesystem;

struct Folder {
    Folder() {
        REQUIRE(::mkdtemp(path.data()) != nullptr);
        auto opened = Node::open({path + "/city", true, std::chrono::seconds(1), "taizhang.db", true});
        REQUIRE(opened.has_value());
        node = std::move(*opened);
    }
    ~Folder() {
        node.reset();
        std::error_code ec;
        fs::remove_all(path, ec);
    }
    std::string path = (fs::temp_directory_path() / "tz-store-XXXXXX").string();
    std::unique_ptr<Node> node;
};

TEST_CASE("store: a context that is used again after its work was done is not stopped by the store", "[store]") {
    Folder f;
    Store store(*f.node);
    net::io_context io;
    int stopped = 0;
    for (int n = 0; n < 2000; ++n) {
        bool is_answered = false;
        net::co_spawn(io, store.run([](Node&) -> Result<std::string> { return std::string("x"); }),
                      [&](std::exception_ptr, Result<std::string> r) {
                          is_answered = r && *r == "x";
                          io.stop();
                      });
        io.run();
        io.restart();
        REQUIRE(is_answered);
        // What the store's thread still does with that piece of work, it does now.
        std::this_thread::sleep_for(std::chrono::microseconds(30));
        stopped += io.stopped();
    }
    CHECK(stopped == 0);
}

TEST_CASE("store: what waits together and may share is one transaction, and one refusal is nobody else's",
          "[store][group]") {
    Folder f;
    Store store(*f.node);
    net::io_context io;
    std::promise<void> open;
    std::vector<Result<std::string>> answers(10, fail(Errc::internal, "none"));
    const auto ask = [&](Store::Work work, bool is_shared, std::size_t n) {
        net::co_spawn(io, is_shared ? store.share(std::move(work)) : store.run(std::move(work)),
                      [&answers, n](std::exception_ptr, Result<std::string> r) { answers[n] = std::move(r); });
    };
    ask([gate = open.get_future().share()](Node&) -> Result<std::string> { return gate.wait(), std::string("first"); },
        false, 0);
    for (std::size_t n = 1; n < answers.size(); ++n)
        ask(
            [n](Node& node) -> Result<std::string> {
                if (n == 4) return fail(Errc::denied, "not you");
                TRY_VOID(
                    node.replica().batch([&] { return node.replica().set_fact("test/" + std::to_string(n), "here"); }));
                return std::to_string(n);
            },
            true, n);
    while (io.poll() > 0) {
    }
    open.set_value();
    io.run();
    CHECK(answers[0].has_value());
    for (std::size_t n = 1; n < answers.size(); ++n) {
        INFO(n);
        CHECK(answers[n].has_value() == (n != 4));
        CHECK(*f.node->replica().fact("test/" + std::to_string(n)) == (n == 4 ? "" : "here"));
    }
    CHECK(store.shared().transactions == 1);
    CHECK(store.shared().pieces == 9);
}

TEST_CASE("store: when a shared transaction comes to nothing each piece of work is run by itself", "[store][group]") {
    Folder f;
    Store store(*f.node);
    net::io_context io;
    std::promise<void> open;
    std::vector<Result<std::string>> answers(3, fail(Errc::internal, "none"));
    net::co_spawn(io, store.run([gate = open.get_future().share()](Node&) -> Result<std::string> {
        return gate.wait(), std::string();
    }),
                  [](std::exception_ptr, Result<std::string>) {});
    for (std::size_t n = 0; n < 3; ++n) {
        Store::Work work = [n](Node& node) -> Result<std::string> {
            TRY_VOID(node.replica().batch([&]() -> Result<> {
                TRY_VOID(node.replica().set_fact("test/" + std::to_string(n), "here"));
                return n == 1 ? Result<>(fail(Errc::bad_input, "no")) : Result<>();
            }));
            return std::to_string(n);
        };
        net::co_spawn(io, store.share(std::move(work)),
                      [&answers, n](std::exception_ptr, Result<std::string> r) { answers[n] = std::move(r); });
    }
    while (io.poll() > 0) {
    }
    open.set_value();
    io.run();
    CHECK(answers[0].has_value());
    REQUIRE_FALSE(answers[1].has_value());
    CHECK(answers[1].error().code == Errc::bad_input);
    CHECK(answers[2].has_value());
    CHECK(*f.node->replica().fact("test/0") == "here");
    CHECK(f.node->replica().fact("test/1")->empty());
    CHECK(*f.node->replica().fact("test/2") == "here");
}

}  // namespace
}  // namespace taizhang::node::store_test
