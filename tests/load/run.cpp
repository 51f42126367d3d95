// run.cpp - plays a tape against a taizhangd of its own and counts what arrived.
#include "http/http.h"
#include "node/node.h"
#include "tape.h"
#include "tests/support/must.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <utility>

namespace taizhang::load {
namespace {

using support::must;
namespace fs = std::filesystem;
namespace net = boost::asio;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

double seconds_since(Clock::time_point t) { return std::chrono::duration<double>(Clock::now() - t).count(); }

/// The tape, read device by device.
class Tape {
public:
    explicit Tape(const fs::path& file) : in_(file, std::ios::binary) {
        if (!in_) throw std::runtime_error("there is no tape: run `load prepare` first");
    }
    std::vector<Request> next() {
        std::vector<Request> out(u32());
        for (auto& q : out) {
            q.is_files = in_.get() == 1;
            q.body.resize(u32());
            in_.read(q.body.data(), static_cast<std::streamsize>(q.body.size()));
        }
        if (!in_) throw std::runtime_error("the tape ends too early");
        return out;
    }

private:
    std::uint32_t u32() {
        std::uint32_t n = 0;
        in_.read(reinterpret_cast<char*>(&n), sizeof n);
        return in_ ? n : 0;
    }
    std::ifstream in_;
};

/// taizhangd on the prepared folder.
class Server {
public:
    Server(const fs::path& program, const fs::path& dir) {
        const auto data = (dir / "city").string(), port_file = (dir / "port").string();
        const auto log = (dir / "server.log").string();
        fs::remove(port_file);
        std::vector<std::string> words{program.string(), "serve",       "--data",      data,
                                       "--listen",       "127.0.0.1:0", "--port-file", port_file};
        std::vector<char*> argv;
        for (auto& w : words) argv.push_back(w.data());
        argv.push_back(nullptr);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        posix_spawn_file_actions_adddup2(&actions, 1, 2);
        const int rc = posix_spawn(&pid_, program.c_str(), &actions, nullptr, argv.data(), environ);
        posix_spawn_file_actions_destroy(&actions);
        if (rc != 0) throw std::runtime_error("cannot start " + program.string());
        for (int tries = 0; tries < 600; ++tries) {
            std::ifstream in(port_file);
            if (in >> port_ && port_ > 0) return;
            std::this_thread::sleep_for(50ms);
        }
        throw std::runtime_error("the server did not start; see " + log);
    }
    ~Server() { stop(); }
    void stop() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGTERM);
        int status = 0;
        ::waitpid(pid_, &status, 0);
        pid_ = -1;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw std::runtime_error("the server ended badly");
    }
    /// What it does once after its start (reading the figures' facts) is no part of anybody's sync.
    void wait_until_at_rest() const {
        constexpr auto kLook = 500ms;
        constexpr double kIdle = 0.02;
        for (double before = -1, now = cpu(); now - before > kIdle;) {
            std::this_thread::sleep_for(kLook);
            before = std::exchange(now, cpu());
        }
    }
    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

    /// Processor seconds so far.
    double cpu() const {
        std::ifstream in("/proc/" + std::to_string(pid_) + "/stat");
        std::string line;
        std::getline(in, line);
        std::istringstream rest(line.substr(line.rfind(')') + 2));
        std::string word;
        for (int i = 0; i < 11; ++i) rest >> word;
        double user = 0, system = 0;
        rest >> user >> system;
        return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
    }
    /// Resident MiB: VmRSS now, VmHWM at most.
    double mib(const std::string& what) const {
        std::ifstream in("/proc/" + std::to_string(pid_) + "/status");
        for (std::string line; std::getline(in, line);)
            if (line.starts_with(what + ":")) return std::atof(line.c_str() + what.size() + 1) / 1024;
        return 0;
    }

private:
    pid_t pid_ = -1;
    int port_ = 0;
};

struct Figures {
    int refused = 0;
    std::string first_refusal;
    std::vector<double> sync_ms, photo_ms;
};

class Player {
public:
    Player(const Options& o, int devices, Tape& tape, std::string url)
        : o_(o), devices_(devices), tape_(tape), url_(std::move(url)) {}

    Figures play() {
        start_ = Clock::now();
        for (int n = 0; n < o_.at_once; ++n) net::co_spawn(io_, worker(), net::detached);
        net::co_spawn(io_, show(), net::detached);
        io_.run();
        std::fputc('\n', stderr);
        return std::move(out_);
    }
    double seconds() const { return std::chrono::duration<double>(end_ - start_).count(); }

private:
    net::awaitable<void> worker() {
        while (begun_ < devices_) {
            const int number = begun_++;
            if (o_.minutes > 0) {
                net::steady_timer timer(
                    io_, start_ + std::chrono::duration_cast<Clock::duration>(
                                      std::chrono::duration<double>(o_.minutes * 60 * number / devices_)));
                co_await timer.async_wait(net::use_awaitable);
            }
            auto requests = tape_.next();
            http::Client client(io_, url_);
            for (auto& r : requests) {
                http::Request q;
                q.method = "POST";
                q.target = r.is_files ? "/files" : "/sync";
                q.body = std::move(r.body);
                const auto sent = Clock::now();
                auto sending = client.send(std::move(q), 600s);
                const auto answer = co_await std::move(sending);
                (r.is_files ? out_.photo_ms : out_.sync_ms).push_back(seconds_since(sent) * 1000);
                if (answer && answer->status == 200) continue;
                if (out_.refused++ == 0)
                    out_.first_refusal =
                        answer ? std::to_string(answer->status) + " " + answer->body : answer.error().detail;
            }
            if (++done_ == devices_) end_ = Clock::now();
        }
    }
    net::awaitable<void> show() {
        net::steady_timer timer(io_);
        while (done_ < devices_) {
            timer.expires_after(1s);
            co_await timer.async_wait(net::use_awaitable);
            std::fprintf(stderr, "\r%d of %d devices, %.0f s", done_, devices_, seconds_since(start_));
        }
    }

    const Options& o_;
    int devices_, begun_ = 0, done_ = 0;
    Tape& tape_;
    std::string url_;
    net::io_context io_{1};
    Clock::time_point start_, end_;
    Figures out_;
};

double at_share(std::vector<double>& v, double share) {
    if (v.empty()) return 0;
    std::sort(v.begin(), v.end());
    return v[std::min(v.size() - 1, static_cast<std::size_t>(share * static_cast<double>(v.size())))];
}

/// What is in the city's database and folder of contents when the server has ended.
struct Arrived {
    std::uint64_t commits = 0, photos = 0;
};
Arrived count(const fs::path& dir, std::uint64_t before) {
    auto city = must(node::Node::open({(dir / "city").string()}));
    Arrived out;
    out.commits = city->replica().log_head().value - before;
    auto whole = must(city->replica().database().prepare("SELECT count(*) FROM content WHERE whole = 1", false));
    must(whole.step());
    out.photos = whole.unsigned_integer(0);
    return out;
}

}  // namespace

int run(const Options& o) {
    int devices = 0, edits = 0, photos = 0;
    std::uint64_t before = 0;
    std::ifstream count_file(o.dir / "count");
    if (!(count_file >> devices >> edits >> photos >> before))
        throw std::runtime_error("there is no tape: run `load prepare` first");
    const auto program =
        o.server.empty() ? fs::read_symlink("/proc/self/exe").parent_path() / "taizhangd" : fs::path(o.server);
    Tape tape(o.dir / "tape");
    Server server(program, o.dir);
    server.wait_until_at_rest();
    const auto cpu_before = server.cpu();
    const auto rss_before = server.mib("VmRSS");
    Player player(o, devices, tape, server.url());
    Figures f = player.play();
    const auto seconds = player.seconds();
    const auto cpu = server.cpu() - cpu_before;
    const auto rss = server.mib("VmHWM");
    server.stop();
    const auto arrived = count(o.dir, before);
    const auto due = static_cast<std::uint64_t>(devices) * static_cast<std::uint64_t>(edits);
    // The server itself may have written in between (a checkpoint): never less than was sent.
    const std::uint64_t lost = due > arrived.commits ? due - arrived.commits : 0;
    const auto photos_due = photos ? static_cast<std::uint64_t>(devices) : 0;
    const std::uint64_t photos_lost = photos_due > arrived.photos ? photos_due - arrived.photos : 0;
    const auto syncs = static_cast<double>(f.sync_ms.size());
    const char* form =
        o.json ? "{\"devices\":%d,\"seconds\":%.2f,\"syncs_a_second\":%.0f,\"refused\":%d,\"commits_lost\":%llu,"
                 "\"photos_lost\":%llu,\"sync_p50_ms\":%.1f,\"sync_p99_ms\":%.1f,\"photo_p99_ms\":%.1f,"
                 "\"cpu_per_1000\":%.3f,\"mib_before\":%.1f,\"mib_peak\":%.1f}\n"
               : "%d devices in %.2f s, %.0f syncs a second; %d refused, %llu commits lost, %llu photos lost\n"
                 "a sync: median %.1f ms, p99 %.1f ms; a photo's requests: p99 %.1f ms\n"
                 "the server: %.3f processor seconds for 1,000 devices, %.1f MiB before, %.1f MiB at most\n";
    std::printf(form, devices, seconds, syncs / seconds, f.refused, static_cast<unsigned long long>(lost),
                static_cast<unsigned long long>(photos_lost), at_share(f.sync_ms, 0.5), at_share(f.sync_ms, 0.99),
                at_share(f.photo_ms, 0.99), cpu / devices * 1000, rss_before, rss);
    if (f.refused > 0) std::fprintf(stderr, "first refusal: %s\n", f.first_refusal.c_str());
    return f.refused == 0 && lost == 0 && photos_lost == 0 ? 0 : 1;
}

}  // namespace taizhang::load
