#include "node/upstream.h"

#include <boost/asio/io_context.hpp>

#include <chrono>

namespace taizhang::node {
namespace {

using namespace std::chrono_literals;
constexpr auto kDeadline = 300s;  // a full chunk over 2G takes minutes

http::Request post_to(const char* target, std::string body) {
    http::Request q;
    q.method = "POST";
    q.target = target;
    q.headers = {{"content-type", "application/octet-stream"}};
    q.body = std::move(body);
    return q;
}

/// The hub says what is wrong in one line; which error it is follows from the status.
Error refusal(const http::Response& r) {
    auto line = r.body.substr(0, 500);
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
    if (line.empty())
        line = "服务器答复 " + std::to_string(r.status) + " / the server answered " + std::to_string(r.status);
    switch (r.status) {
        case 401:
        case 403: return fail(Errc::denied, line);
        case 503:
        case 504: return fail(Errc::offline, line);
        case 507: return fail(Errc::offline, line);
        default: return fail(Errc::protocol, line);
    }
}

}  // namespace

net::awaitable<Result<std::string>> enrol(Store& store, net::io_context& io, std::string url, std::string code,
                                          std::string label, sync::Enrolment::Begin begin) {
    auto client = std::make_shared<http::Client>(io, url);
    Store::Work make = [code, label](Node& n) { return sync::Enrolment(n.replica()).request(code, label); };
    auto request = co_await store.run(std::move(make));
    if (!request) co_return request;
    auto message = post_to("/enrol", std::move(*request));
    auto response = co_await client->send(std::move(message), kDeadline);
    if (!response) co_return response.error();
    if (response->status != 200) co_return refusal(*response);
    Store::Work keep = [body = std::move(response->body), url, begin](Node& n) -> Result<std::string> {
        TRY_VOID(sync::Enrolment(n.replica(), begin).reply(body));
        TRY_VOID(n.replica().set_fact("upstream/url", url));
        TRY_VOID(n.keep_incarnation());
        return std::string();
    };
    auto kept = co_await store.run(std::move(keep));
    co_return kept;
}

net::awaitable<Result<SyncReport>> sync_once(Store& store, net::io_context&, std::shared_ptr<http::Client> client) {
    SyncReport report;
    const auto up = client->bytes_up(), down = client->bytes_down();
    auto session = std::make_shared<std::unique_ptr<sync::Session>>();
    auto more = std::make_shared<bool>(true);
    while (*more) {
        Store::Work make = [session](Node& n) -> Result<std::string> {
            if (!*session) *session = std::make_unique<sync::Session>(n.replica());
            return (*session)->request();
        };
        auto request = co_await store.run(std::move(make));
        if (!request) co_return request.error();
        auto message = post_to("/sync", std::move(*request));
        auto response = co_await client->send(std::move(message), kDeadline);
        if (!response) co_return response.error();
        if (response->status != 200) co_return refusal(*response);
        Store::Work take = [session, more, body = std::move(response->body)](Node& n) -> Result<std::string> {
            TRY_VOID((*session)->reply(body));
            *more = (*session)->wants_more();
            TRY_VOID(n.keep_incarnation());
            return std::string();
        };
        auto taken = co_await store.run(std::move(take));
        if (!taken) co_return taken.error();
    }
    report.sent = (*session)->stats().sent;
    report.received = (*session)->stats().received;
    report.round_trips = (*session)->stats().round_trips;
    report.refused = (*session)->stats().refused;
    report.bytes_up = client->bytes_up() - up;
    report.bytes_down = client->bytes_down() - down;
    auto counts = std::make_shared<SyncReport>();
    Store::Work count = [counts](Node& n) -> Result<std::string> {
        TRY(counts->unsent, sync::unsent_count(n.replica()));
        TRY(counts->acked_township, sync::own_commits_at(n.replica(), Level::township));
        TRY(counts->acked_city, sync::own_commits_at(n.replica(), Level::city));
        return std::string();
    };
    auto counted = co_await store.run(std::move(count));
    if (!counted) co_return counted.error();
    report.unsent = counts->unsent;
    report.acked_township = counts->acked_township;
    report.acked_city = counts->acked_city;
    co_return report;
}

}  // namespace taizhang::node
