#include "loopback.h"

#include "subject.h"
#include "tasks.h"

#include <sodium.h>

#include <time.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <chrono>

namespace taizhang::bench {
namespace {

namespace net = boost::asio;

std::int64_t wall_ms() {
    timespec t{};
    clock_gettime(CLOCK_REALTIME, &t);
    return std::int64_t{t.tv_sec} * 1000 + t.tv_nsec / 1'000'000;
}

}  // namespace

std::unique_ptr<Replica> replica_in(const std::filesystem::path& file) {
    Environment env;
    env.wall_ms = wall_ms;
    env.steady_ms = wall_ms;
    env.worker = spare_core();
    env.random = [](std::span<std::uint8_t> out) { randombytes_buf(out.data(), out.size()); };
    Replica::Options options;
    options.path = file;
    return must(Replica::open(options, env));
}

std::unique_ptr<Replica> city_in(const std::filesystem::path& file) {
    auto city = replica_in(file);
    must(city->append_control("city", R"({"title":"bench"})"));
    must(city->append_control("catalog", kTasksCatalog));
    for (const char* unit : kTasksUnits) must(city->append_control("unit", unit));
    Certificate c;
    c.replica = city->id();
    c.unit = "C";
    c.level = Level::city;
    c.control = city->control().head();
    c.issuer = "C";
    must(city->add_certificate(c));
    return city;
}

Loopback::Loopback(sync::Hub& hub)
    : hub_(hub), server_(io_, {}, [this](http::Request q) { return answer(std::move(q)); }) {
    port_ = must(server_.listen("127.0.0.1:0"));
    hub_thread_ = std::thread([this] { io_.run(); });
    device_thread_ = std::thread([this] { device_io_.run(); });
}

Loopback::~Loopback() {
    net::post(io_, [this] { server_.stop(); });
    work_.reset();
    device_work_.reset();
    hub_thread_.join();
    device_thread_.join();
}

void Loopback::enrol(Replica& device, const std::string& unit, sync::Enrolment::Begin begin) {
    const auto code = must(hub_.new_code(unit));
    sync::Enrolment e(device, begin);
    must(e.reply(must(hub_.handle(must(e.request(code.code, "bench"))))));
}

WireCost Loopback::sync(Replica& device) {
    sync::Session session(device);
    http::Client client(device_io_, "http://127.0.0.1:" + std::to_string(port_));
    WireCost cost;
    const auto start = std::chrono::steady_clock::now();
    std::uint64_t up = 0, down = 0;
    std::future<std::string> early;
    while (session.wants_more()) {
        const auto answer = (early.valid() ? std::move(early) : ask(client, must(session.request()))).get();
        ++cost.requests;
        const auto timing = client.timing();
        session.measured({client.bytes_up() - up, client.bytes_down() - down, timing.first, timing.last});
        up = client.bytes_up();
        down = client.bytes_down();
        auto next = must(session.ahead(answer));
        if (!next.empty()) early = ask(client, std::move(next));
        must(session.reply(answer));
    }
    cost.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    cost.up = static_cast<double>(client.bytes_up());
    cost.down = static_cast<double>(client.bytes_down());
    return cost;
}

net::awaitable<http::Response> Loopback::answer(http::Request q) {
    auto answer = hub_.handle(q.body);
    http::Response r;
    r.content_type.clear();
    if (answer)
        r.body = std::move(*answer);
    else
        r.status = http::http_status(answer.error().code);
    co_return r;
}

std::future<std::string> Loopback::ask(http::Client& client, std::string body) {
    http::Request q;
    q.method = "POST";
    q.target = "/sync";
    q.body = std::move(body);
    auto promise = std::make_shared<std::promise<std::string>>();
    auto sending = client.send(std::move(q), std::chrono::seconds(60));
    net::co_spawn(device_io_, std::move(sending), [promise](std::exception_ptr failed, Result<http::Response> r) {
        try {
            if (failed) std::rethrow_exception(failed);
            auto response = must(std::move(r));
            if (response.status != 200) throw std::runtime_error("the hub answers " + std::to_string(response.status));
            promise->set_value(std::move(response.body));
        } catch (...) {
            promise->set_exception(std::current_exception());
        }
    });
    return promise->get_future();
}

}  // namespace taizhang::bench
