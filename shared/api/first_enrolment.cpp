#include "api/first_enrolment.h"

#include "api/sign_in.h"
#include "node/secure.h"

#include <boost/asio/co_spawn.hpp>

namespace taizhang::api {

namespace json = boost::json;

Result<bool> is_new(node::Node& node) {
    TRY(const auto token, node.replica().fact("upstream/token"));
    return token.empty() && node.replica().control().root().empty();
}

FirstEnrolment::FirstEnrolment(Front& front, node::Store& store, std::string dir, const ServeOptions& options)
    : Doorstep(front, std::move(dir), options, "new",
               "本机还没有登记,请在浏览器里登记 / this PC is not enrolled yet: enrol it in the browser"),
      store_(store) {}

json::object FirstEnrolment::news() const { return {{"fetching", is_fetching_}, {"received", progress_->received}}; }

namespace {

http::Response refusal_of(const Error& e) {
    return error_response(http::http_status(e.code), name_of(e.code), e.detail);
}

}  // namespace

/// Nothing is fetched then: what the unit holds comes by a stick, or by the link once there is one.
net::awaitable<http::Response> FirstEnrolment::answer_by_file(Said said) {
    auto what = enrol_by_file_of(said);
    if (!what) co_return refusal_of(what.error());
    auto document = std::make_shared<json::value>();
    node::Store::Work work = [document, w = *what](node::Node& n) -> Result<std::string> {
        TRY(*document, enrol_by_file(n, w));
        return std::string();
    };
    auto done = co_await store_.run(std::move(work));
    if (!done) co_return refusal_of(done.error());
    is_answered_ = is_answered_ || what->is_taking();
    co_return json_response(200, *document);
}

net::awaitable<http::Response> FirstEnrolment::answer(Said said) {
    if (is_enrol_by_file(said)) {
        auto answering = answer_by_file(std::move(said));
        auto response = co_await std::move(answering);
        co_return response;
    }
    auto what = enrol_here_of(said["server"], said["code"], said["fingerprint"]);
    if (!what) co_return refusal_of(what.error());
    if (is_asking_ || is_fetching_)
        co_return error_response(409, name_of(Errc::busy), "正在登记,请稍候 / enrolling already: wait a moment");
    is_asking_ = true;
    const auto url = what->server;
    auto asking = enrol_here(store_, front_.io, std::move(*what));
    auto done = co_await std::move(asking);
    is_asking_ = false;
    if (!done) co_return refusal_of(done.error());
    if (done->as_object().contains("enrolled")) {
        is_fetching_ = true;
        net::co_spawn(front_.io, fetch(url), [](std::exception_ptr) {});
    }
    co_return json_response(200, *done);
}

/// What stops it now is tried again by the agent of the program that serves.
net::awaitable<void> FirstEnrolment::fetch(std::string url) {
    auto tls = std::make_shared<std::shared_ptr<http::Tls>>();
    node::Store::Work look = [url, tls](node::Node& n) -> Result<std::string> {
        TRY(*tls, node::client_tls(n, url));
        return std::string();
    };
    auto looked = co_await store_.run(std::move(look));
    if (looked) {
        auto client = std::make_shared<http::Client>(front_.io, url, *tls);
        auto syncing = node::sync_once(store_, front_.io, client, progress_);
        auto report = co_await std::move(syncing);
        (void)report;
        client->close();
    }
    is_answered_ = true;
}

}  // namespace taizhang::api
