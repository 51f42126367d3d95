#include "api/server.h"

#include "api/address.h"
#include "api/attachments.h"
#include "api/content_http.h"
#include "api/screens.h"
#include "files/file_hub.h"
#include "http/http.h"
#include "text/text.h"

#include <boost/json.hpp>

#include <string>
#include <utility>

namespace taizhang::api {

namespace {

constexpr std::size_t kApiBytesMax = 1u << 20;
/// A bundle that the browser sends as it is. No form of another site can send this type without being asked first.
constexpr std::string_view kBundleType = "application/octet-stream";

http::Response text_response(int status, std::string line) {
    http::Response r;
    r.status = status;
    r.content_type = "text/plain; charset=utf-8";
    r.body = std::move(line) + "\n";
    return r;
}

http::Response error_of(const Error& e) {
    if (e.detail == kNoPersonLine) return error_response(400, "no_person", e.detail);
    return json_response(http::http_status(e.code), error_json(e));
}

Place place_of(const std::string& target, bool is_hub) {
    const auto path = target.substr(0, target.find('?'));
    if (is_hub && (path == "/sync" || path == "/enrol" || path == "/files" || path == "/live")) return Place::device;
    return path.starts_with("/api/") ? Place::api : Place::screen;
}

Result<Command> command_of(const http::Request& q) {
    Command c;
    const bool is_upload = q.method == "POST" && q.header("content-type") == kBundleType;
    if (is_upload) {
        c.options["bytes"] = q.body;
    } else if (q.method == "POST") {
        if (q.header("content-type").substr(0, 16) != "application/json")
            return fail(Errc::usage, "需要 application/json / content-type must be application/json");
        TRY(c, Command::decode(q.body));
    }
    read_target(q.target, c);
    if (q.method == "GET" && writes(c.name)) return fail(Errc::usage, "写入要用 POST / use POST to write");
    return c;
}

/// What an upload of bytes is, in the words of the table of roles.
Result<> may_attach(node::Node& n, const Who& who, Command& c) {
    c.name = "attach";
    TRY_VOID(may(n.replica(), who, c));
    if (!who.is_owner()) c.options["person"] = who.name;
    if (c.option("person").empty()) return fail(Errc::usage, std::string(kNoPersonLine));
    return {};
}

}  // namespace

net::awaitable<http::Response> Server::handle(http::Request q) {
    const auto place = place_of(q.target, options_.is_hub);
    if (auto refusal = refuse(*hosts_, place, q)) co_return std::move(*refusal);
    if (place == Place::device) {
        auto r = co_await device(std::move(q));
        co_return r;
    }
    auto r = co_await guarded(place, std::move(q));
    harden(r);
    co_return r;
}

net::awaitable<http::Response> Server::guarded(Place place, http::Request q) {
    if (place == Place::api) {
        auto r = co_await api(std::move(q));
        co_return r;
    }
    // To the network, a server without accounts says nothing about what is here, but what to do.
    if (!sign_in_.is_open_to(q)) {
        auto closed = text_response(403, text::both(text::Msg::closed_to_network, {}, {}));
        co_return closed;
    }
    if (auto page = screen(q)) co_return std::move(*page);
    auto nothing = text_response(404, "没有这个地址 / nothing at this address");
    co_return nothing;
}

/// The way of live pokes: for devices, like /sync.
net::awaitable<http::Response> Server::gate_live(http::Request q) {
    if (auto refusal = refuse(*hosts_, Place::device, q)) co_return std::move(*refusal);
    auto r = co_await live_gate_(std::move(q));
    co_return r;
}

net::awaitable<http::Response> Server::device(http::Request q) {
    if (q.target.starts_with("/live")) co_return text_response(404, "没有这个地址 / nothing at this address");
    if (q.method != "POST") co_return text_response(405, "只接受 POST / POST only");
    const bool is_enrol = q.target == "/enrol", is_files = q.target == "/files";
    auto grew = std::make_shared<bool>(false);
    node::Store::Work work = [body = std::move(q.body), address = network_of(q.peer), is_enrol, is_files, grew,
                              quota = quota_, strangers = strangers_](node::Node& n) -> Result<std::string> {
        TRY_VOID(admit(n.hub(), body, address, *quota, *strangers));
        if (is_files) return files::FileHub(n.hub(), n.contents()).handle(body);
        if ((!body.empty() && body.front() == 'e') != is_enrol)
            return fail(Errc::protocol, "消息与地址不符 / message: not for this address");
        const auto before = n.replica().log_head();
        auto answer = n.hub().handle(body, address);
        *grew = n.replica().log_head() > before;
        TRY_VOID(n.keep_incarnation());
        return answer;
    };
    // Contents are on the disk by themselves, before their account.
    auto waiting = is_files ? store_.run(std::move(work)) : store_.share(std::move(work));
    auto answer = co_await std::move(waiting);
    if (!answer) {
        if (store_.is_broken()) stop();
        co_return text_response(http::http_status(answer.error().code), answer.error().detail);
    }
    if (is_files && files_) files_->wake();  // a relay passes it on
    if (!is_files) pokes_.changed();
    if (*grew && agent_) agent_->edited();  // the same
    http::Response r;
    r.content_type.clear();  // a device knows what it asked for
    r.body = std::move(*answer);
    co_return r;
}

net::awaitable<http::Response> Server::api(http::Request q) {
    if (q.method != "GET" && q.method != "POST") co_return text_response(405, "只接受 GET 和 POST / GET and POST only");
    if (sign_in_.is_own_target(q.target)) {
        auto r = co_await sign_in_.answer(std::move(q));
        co_return r;
    }
    const bool is_download = is_content_download(q);
    auto who = sign_in_.who(q, is_download ? people::Sessions::Key::content : people::Sessions::Key::page);
    if (!who) co_return sign_in_.nobody(q);
    if (is_download || is_content_upload(q)) {
        auto r = co_await content(std::move(q), std::move(*who));
        co_return r;
    }
    const auto bytes_max = q.header("content-type") == kBundleType ? wire::kMessageBytesMax : kApiBytesMax;
    if (q.body.size() > bytes_max) co_return text_response(413, "请求太大 / request too large");
    auto command = command_of(q);
    if (!command) co_return error_of(command.error());
    Command c = std::move(*command);
    auto document = co_await execute(std::move(c), std::move(who));
    if (!document) co_return error_of(document.error());
    co_return json_response(200, *document);
}

/// Bytes of attachments, out and in.
net::awaitable<http::Response> Server::content(http::Request q, Who who) {
    const bool is_upload = q.method == "POST";
    auto answer = std::make_shared<http::Response>();
    Command command;
    read_target(q.target, command);
    node::Store::Work work = [answer, is_upload, c = std::move(command), who = std::move(who),
                              body = std::move(q.body)](node::Node& n) mutable -> Result<std::string> {
        if (is_upload) {
            TRY_VOID(may_attach(n, who, c));
            TRY(const auto saved, upload_content(n, c, body));
            *answer = json_response(200, saved);
        } else {
            TRY(*answer, download_content(n, c.args.empty() ? std::string() : c.args[0]));
        }
        return std::string();
    };
    auto done = co_await store_.run(std::move(work));
    if (!done) {
        if (store_.is_broken()) stop();
        co_return error_of(done.error());
    }
    if (is_upload && agent_) agent_->edited();
    if (is_upload) pokes_.changed();
    co_return std::move(*answer);
}

}  // namespace taizhang::api
