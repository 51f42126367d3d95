#include "api/serve.h"

#include "api/attachments.h"
#include "api/run_to_end.h"
#include "api/server.h"
#include "api/sync_answer.h"
#include "http/await.h"
#include "http/http.h"
#include "node/secure.h"
#include "sync/session.h"
#include "text/text.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/json.hpp>

#include <utility>

namespace taizhang::api {

using namespace std::chrono_literals;

namespace {

net::awaitable<void> tell(net::io_context& io, std::shared_ptr<node::SyncProgress> progress, Watch watch) {
    net::steady_timer pause(io);
    for (;;) {  // until the io_context stops, with the sync
        pause.expires_after(1s);
        auto [ec] = co_await pause.async_wait(http::kToken);
        if (ec) co_return;
        watch(*progress);
    }
}

/// The rows are through; attachments go on where they stopped.
Error files_error(node::Node& node, const Error& e) {
    if (!is_retryable(e.code)) return e;
    const auto left = node.contents().index().count_sent(files::Sent::not_yet);
    const auto n = left ? std::to_string(*left) : std::string("?");
    const auto [zh, en] = text::halves(e.detail);
    return fail(e.code, text::both(text::Msg::files_offline, {n, zh}, {n, en}));
}

}  // namespace

Result<json::value> sync_now(node::Node& node, const Watch& watch) {
    TRY(const auto url, node.replica().fact("upstream/url"));
    if (url.empty())
        return fail(Errc::usage, "本机没有上级服务器,请先 enrol / this node has no server above it: run enrol first");
    net::io_context io(1);
    node::Store store(node);
    TRY(auto tls, node::client_tls(node, url));
    auto client = std::make_shared<http::Client>(io, url, std::move(tls));
    auto progress = std::make_shared<node::SyncProgress>();
    if (watch) net::co_spawn(io, tell(io, progress, watch), [](std::exception_ptr) {});
    auto report = run_to_end<node::SyncReport>(io, node::sync_once(store, io, client, progress));
    if (report) {
        auto rows = report_json(*report);
        auto files = run_to_end<node::FileReport>(io, node::sync_files(store, io, client, {}));
        client->close();
        if (!files) return files_error(node, files.error());
        rows.as_object()["files"] = files_json(*files);
        return rows;
    }
    client->close();
    TRY(const auto unsent, sync::unsent_count(node.replica()));
    return offline_error(report.error(), unsent, "下次 sync 时", "at the next sync");
}

Result<json::value> fetch_now(node::Node& node, const Command& command) {
    TRY(auto document, run(node, command));
    TRY(const auto url, node.replica().fact("upstream/url"));
    if (url.empty() || !is_waiting_for_contents(document)) return document;
    {
        net::io_context io(1);
        node::Store store(node);
        TRY(auto tls, node::client_tls(node, url));
        auto client = std::make_shared<http::Client>(io, url, std::move(tls));
        auto files = run_to_end<node::FileReport>(io, node::sync_files(store, io, client, {}));
        client->close();
        if (!files && !is_retryable(files.error().code)) return files.error();
        if (!files) {
            const auto [zh, en] = text::halves(files.error().detail);
            return fail(files.error().code, text::both(text::Msg::fetch_offline, {zh}, {en}));
        }
    }
    return run(node, command);
}

Result<json::value> enrol_device(node::Node& node, const std::string& url, const std::string& code,
                                 const std::string& label, bool is_hub, const std::string& fingerprint,
                                 const Watch& watch) {
    TRY_VOID(http::parse_origin(url));
    if (is_hub) TRY_VOID(must_have_all(node));
    const auto begin = is_hub ? sync::Enrolment::Begin::with_log : sync::Enrolment::Begin::with_state;
    std::string seen;
    {
        net::io_context io(1);
        node::Store store(node);
        auto enrolled = run_to_end<std::string>(io, node::enrol(store, io, url, code, label, begin, fingerprint));
        if (!enrolled) return enrolled.error();
        seen = *enrolled;
    }
    TRY(const auto report, sync_now(node, watch));
    const auto* cert = node.replica().control().cert(node.replica().id());
    json::object o = report.as_object();
    o["unit"] = cert ? cert->unit : "";
    if (!seen.empty()) o["fingerprint"] = seen;
    return json::value(std::move(o));
}

}  // namespace taizhang::api
