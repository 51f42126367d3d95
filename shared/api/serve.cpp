#include "api/serve.h"

#include "api/address.h"
#include "api/attachments.h"
#include "api/content_http.h"
#include "api/enrol_here.h"
#include "api/file_sync.h"
#include "api/first_enrolment.h"
#include "api/front.h"
#include "api/gate.h"
#include "api/long_command.h"
#include "api/may.h"
#include "api/quota.h"
#include "api/screens.h"
#include "api/sign_in.h"
#include "api/unlock.h"
#include "api/upkeep.h"
#include "files/file_hub.h"
#include "http/await.h"
#include "http/http.h"
#include "node/agent.h"
#include "node/environment.h"
#include "node/pokes.h"
#include "node/process.h"
#include "node/secure.h"
#include "node/side_thread.h"
#include "node/upstream.h"
#include "sync/session.h"
#include "sync/token.h"
#include "text/text.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/json.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <random>

namespace taizhang::api {

namespace json = boost::json;
namespace net = boost::asio;
using namespace std::chrono_literals;
using local = net::local::stream_protocol;

namespace {

constexpr std::size_t kApiBytesMax = 1u << 20;
/// A bundle that the browser sends as it is. No form of another site can send this type without being asked first.
constexpr std::string_view kBundleType = "application/octet-stream";
constexpr auto kFilesWait = 3s, kFetchWait = 30s;  // how long a command waits for attachments; then it says how far
constexpr auto kBetweenTexts = 5s;                 // what was written since is taken at once when somebody searches
constexpr auto kRestWait = 15s;                    // for a sync to end, before this PC goes over to another office
constexpr auto kRestLook = 50ms;
// Others are served between two pieces anyway, in the order in which they came; this leaves the processor to them as
// well. Higher: longer until figures and search are as fast as they get.
constexpr auto kBetweenFigures = 5ms;
// Each holds what it has read until it is made: some 100 MB of the largest. One would make a short one wait for a long.
constexpr std::size_t kLongTogether = 2;
constexpr auto kLongLook = 50ms;
constexpr auto kFiguresLook = 500ms;  // whether the figures are read, so that the texts may follow

json::value report_json(const node::SyncReport& r) {
    json::array refused;
    for (const auto& x : r.refused) refused.push_back(json::string(x));
    json::array notices;
    for (const auto& x : r.notices) notices.push_back(json::string(x));
    return json::value{{"sent", r.sent},
                       {"received", r.received},
                       {"bytes_up", r.bytes_up},
                       {"bytes_down", r.bytes_down},
                       {"round_trips", r.round_trips},
                       {"cuts", r.cuts},
                       {"unsent", r.unsent},
                       {"acks", {{"township", r.acked_township}, {"city", r.acked_city}}},
                       {"refused", std::move(refused)},
                       {"notices", std::move(notices)}};
}

/// The line that a person needs when the link is down: nothing is lost, and when it is tried again.
Error offline_error(const Error& e, std::uint64_t unsent, std::string_view when_zh, std::string_view when_en) {
    if (!is_retryable(e.code)) return e;
    const auto n = std::to_string(unsent);
    const auto [zh, en] = text::halves(e.detail);
    return fail(e.code, text::both(text::Msg::offline_kept, {n, when_zh, zh}, {n, when_en, en}));
}

/// Runs one coroutine to its end; what else is on the io_context goes on meanwhile, and afterwards when it runs again.
template <class T>
Result<T> run_to_end(net::io_context& io, net::awaitable<Result<T>> work) {
    std::optional<Result<T>> out;
    net::co_spawn(io, std::move(work), [&](std::exception_ptr e, Result<T> r) {
        if (e)
            out = Result<T>(fail(Errc::internal, "内部错误 / internal error"));
        else
            out = std::move(r);
        io.stop();
    });
    io.run();
    io.restart();
    return std::move(*out);
}

class Server : public std::enable_shared_from_this<Server> {
public:
    /// `launch`: tokens that were given out before there was a node.
    Server(Front& front, node::Node& node, const ServeOptions& options, LaunchTokens launch = {})
        : front_(front),
          io_(front.io),
          store_(node),
          options_(options),
          pokes_(store_, io_),
          sign_in_(store_, {node.dir().path(), options.sessions, [&node](auto out) { node.replica().random(out); },
                            std::move(launch)}),
          dir_(node.dir().path()) {}

    Result<> run(std::shared_ptr<http::Tls> tls);

private:
    net::awaitable<http::Response> handle(http::Request q);
    net::awaitable<http::Response> device(http::Request q);
    net::awaitable<http::Response> api(http::Request q);
    net::awaitable<http::Response> content(http::Request q, Who who);
    net::awaitable<http::Response> gate_live(http::Request q);
    net::awaitable<http::Response> guarded(Place place, http::Request q);
    /// `who`: nobody for the terminal, which is not asked what it may.
    net::awaitable<Result<json::value>> execute(Command c, std::optional<Who> who);
    net::awaitable<Result<json::value>> at_terminal(Command c);
    net::awaitable<Result<json::value>> in_turn(std::shared_ptr<LongCommand> work, Command c, std::optional<Who> who);
    net::awaitable<Result<json::value>> in_pieces(std::shared_ptr<LongCommand> work, Command c, std::optional<Who> who);
    net::awaitable<Result<json::value>> sync_now();
    net::awaitable<Result<json::value>> sync_all();
    net::awaitable<Result<json::value>> fetch(Command c);
    net::awaitable<Result<json::value>> go_over(Command c, std::optional<Who> who);
    net::awaitable<Result<json::value>> go_over_by_file(Command c);
    net::awaitable<Result<json::value>> read_or_take(EnrolByFile what);
    net::awaitable<Result<json::value>> with_resting_link(net::awaitable<Result<json::value>> change);
    net::awaitable<void> read_figures(std::chrono::milliseconds pause);
    net::awaitable<void> read_texts();
    net::awaitable<void> keep_up();
    net::awaitable<Result<std::string>> make_link();
    void start_link();
    net::awaitable<bool> rest_link();
    Result<> start_sign_in();
    json::value agent_json() const;
    json::value trouble_json() const;
    net::awaitable<void> wait_for_signal();
    void stop();
    void log(const std::string& line) {
        if (options_.log) options_.log(line);
    }

    Front& front_;
    net::io_context& io_;
    node::Store store_;
    node::SideThread side_;
    std::size_t long_commands_ = 0;  // that read or make
    ServeOptions options_;
    node::Pokes pokes_;
    SignIn sign_in_;
    std::optional<Hosts> hosts_;
    http::Handler live_gate_;
    std::string dir_;
    std::unique_ptr<node::Agent> agent_;  // none without a hub above
    std::unique_ptr<FileSync> files_;     // the same
    /// Of an office that this PC does not belong to any more; what still waits on the io_context knows them.
    struct Link {
        std::unique_ptr<node::Agent> agent;
        std::unique_ptr<FileSync> files;
    };
    std::vector<Link> retired_;
    bool stopping_ = false, has_figures_ = false, is_going_over_ = false;
    std::optional<Error> failure_;
    std::shared_ptr<Quota> quota_ = std::make_shared<Quota>();              // the store thread's
    std::shared_ptr<Strangers> strangers_ = std::make_shared<Strangers>();  // the same
};

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

/// What follows from all facts, which are read once for as long as the program runs (ledger/stored_facts.h).
bool wants_figures(const Command& c) {
    static constexpr std::string_view kNames[] = {"review", "overview",  "behind",  "burden",   "breakdown",
                                                  "trend",  "stocktake", "compare", "circular", "circular-docx"};
    return std::find(std::begin(kNames), std::end(kNames), c.name) != std::end(kNames);
}

/// What an upload of bytes is, in the words of the table of roles.
Result<> may_attach(node::Node& n, const Who& who, Command& c) {
    c.name = "attach";
    TRY_VOID(may(n.replica(), who, c));
    if (!who.is_owner()) c.options["person"] = who.name;
    if (c.option("person").empty()) return fail(Errc::usage, std::string(kNoPersonLine));
    return {};
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

/// Rows, then attachments; those that take longer go on in the background.
net::awaitable<Result<json::value>> Server::sync_all() {
    auto rows = co_await sync_now();
    if (!rows || !files_) co_return rows;
    auto round = co_await files_->round(kFilesWait);
    if (round) {
        rows->as_object()["files"] = files_json(*round);
        co_return rows;
    }
    auto report = std::make_shared<node::FileReport>();
    node::Store::Work count = [report](node::Node& n) -> Result<std::string> {
        TRY(report->left, n.contents().index().count_sent(files::Sent::not_yet));
        return std::string();
    };
    auto counted = co_await store_.run(std::move(count));
    if (!counted) co_return counted.error();
    rows->as_object()["files"] = files_json(*report);
    co_return rows;
}

/// Waits a little for what was asked for: a photo comes in seconds where the link is good.
net::awaitable<Result<json::value>> Server::fetch(Command c) {
    auto round = co_await files_->round(kFetchWait);
    (void)round;
    auto document = std::make_shared<json::value>();
    node::Store::Work work = [document, c](node::Node& n) -> Result<std::string> {
        TRY(*document, api::run(n, c));
        return std::string();
    };
    auto done = co_await store_.run(std::move(work));
    if (!done) co_return done.error();
    co_return std::move(*document);
}

net::awaitable<Result<json::value>> Server::execute(Command c, std::optional<Who> who) {
    if (c.name == "sync") {
        auto r = co_await sync_all();
        co_return r;
    }
    if (c.name == "progress") co_return agent_json();
    if (c.name == "enrol-here") {
        auto r = co_await go_over(std::move(c), std::move(who));
        co_return r;
    }
    if (auto work = long_command(c)) {
        auto r = co_await in_turn(std::move(work), std::move(c), std::move(who));
        co_return r;
    }
    // In a large city seconds, the first time: whoever asks for something else meanwhile is served in between.
    if (wants_figures(c)) co_await read_figures(0ms);
    auto document = std::make_shared<json::value>();
    auto accounts = std::make_shared<people::Accounts>();
    // A draft, a trial and an account have nothing to sync.
    const bool is_trial = c.has("dry-run") || c.has("dry_run");
    const bool wrote = writes(c.name) && c.name != "draft" && c.name != "person" && !is_trial;
    const bool is_person = c.name == "person";
    node::Store::Work work = [document, accounts, is_person, c, who](node::Node& n) -> Result<std::string> {
        if (who) {
            TRY(*document, run_as(n, *who, c));
        } else {
            TRY(*document, api::run(n, c));
        }
        if (is_person) *accounts = n.people().accounts();
        return std::string();
    };
    auto done = co_await store_.run(std::move(work));
    if (!done) {
        if (store_.is_broken()) stop();
        co_return done.error();
    }
    if (is_person) sign_in_.accounts_changed(std::move(*accounts));
    if (wrote) {
        if (agent_) agent_->edited();
        pokes_.changed();
    }
    if (c.name == "status") {
        document->as_object()["agent"] = agent_json();
        document->as_object()["is_hub"] = options_.is_hub;
    }
    // A code without the address to type beside it is a second call over the telephone.
    if (c.name == "enrol" && hosts_) document->as_object()["servers"] = json::value_from(hosts_->addresses());
    if (c.name == "pulse") document->as_object()["trouble"] = trouble_json();
    if (c.name == "fetch" && files_ && is_waiting_for_contents(*document)) {
        auto fetched = co_await fetch(std::move(c));
        co_return fetched;
    }
    co_return std::move(*document);
}

net::awaitable<Result<json::value>> Server::in_turn(std::shared_ptr<LongCommand> work, Command c,
                                                    std::optional<Who> who) {
    net::steady_timer turn(io_);
    while (long_commands_ >= kLongTogether && !stopping_) {
        turn.expires_after(kLongLook);
        auto [ec] = co_await turn.async_wait(http::kToken);
        if (ec) break;
    }
    struct Running {
        explicit Running(std::size_t& count) : n(count) { ++n; }
        ~Running() { --n; }
        std::size_t& n;
    } const running(long_commands_);
    auto pieces = in_pieces(std::move(work), std::move(c), std::move(who));
    auto document = co_await std::move(pieces);
    co_return document;
}

/// Whoever asks for something else meanwhile is served between two pieces.
net::awaitable<Result<json::value>> Server::in_pieces(std::shared_ptr<LongCommand> work, Command c,
                                                      std::optional<Who> who) {
    for (bool is_whole = false; !is_whole;) {
        if (stopping_) co_return fail(Errc::busy, "程序正在停止 / the program is stopping");
        node::Store::Work piece = [work, c, who](node::Node& n) -> Result<std::string> {
            TRY(const bool whole, who ? read_some_as(n, *who, c, *work) : work->read_some(n));
            return std::string(whole ? "whole" : "");
        };
        auto done = co_await store_.run(std::move(piece));
        if (!done) {
            if (store_.is_broken()) stop();
            co_return done.error();
        }
        is_whole = *done == "whole";
    }
    const auto document = std::make_shared<Result<json::value>>(json::value());
    auto make = [work, document] {
        try {
            *document = work->make();
        } catch (const std::exception& e) {
            *document = fail(Errc::internal, std::string("内部错误 / internal error: ") + e.what());
        }
    };
    auto making = side_.run(std::move(make));
    co_await std::move(making);
    co_return std::move(*document);
}

/// No sync runs, and none begins: what the old hub answers must not meet the new one's facts. False: one runs on.
net::awaitable<bool> Server::rest_link() {
    net::steady_timer pause(io_);
    const auto until = std::chrono::steady_clock::now() + kRestWait;
    while (agent_ && (agent_->status().state == node::Agenda::State::syncing || files_->is_running())) {
        if (std::chrono::steady_clock::now() > until) co_return false;
        pause.expires_after(kRestLook);
        auto [ec] = co_await pause.async_wait(http::kToken);
        if (ec) co_return false;
    }
    if (!agent_) co_return true;
    agent_->stop();
    files_->stop();
    retired_.push_back({std::move(agent_), std::move(files_)});
    co_return true;
}

/// To another office above, with all data; the programs and the pages go on. Without a code: who is at that address.
net::awaitable<Result<json::value>> Server::go_over(Command c, std::optional<Who> who) {
    node::Store::Work ask = [who, c, is_hub = options_.is_hub](node::Node& n) -> Result<std::string> {
        if (who) TRY_VOID(may(n.replica(), *who, c));
        TRY(const auto token, n.replica().fact("upstream/token"));
        if (is_hub || (token.empty() && !n.replica().control().root().empty()))
            return fail(Errc::not_allowed,
                        "这里是服务器的数据,请在它的终端用 join / this is a server's data: use join at its terminal");
        return std::string();
    };
    auto asked = co_await store_.run(std::move(ask));
    if (!asked) co_return asked.error();
    if (is_enrol_by_file(c.options)) {
        auto by_file = go_over_by_file(std::move(c));
        auto document = co_await std::move(by_file);
        co_return document;
    }
    auto what = enrol_here_of(c.option("server"), c.option("code"), c.option("fingerprint"));
    if (!what) co_return what.error();
    const bool is_question = what->code.empty();
    if (is_going_over_) co_return fail(Errc::busy, "正在登记,请稍候 / enrolling already: wait a moment");
    if (is_question) {
        auto answer = co_await api::enrol_here(store_, io_, std::move(*what));
        co_return answer;
    }
    auto change = with_resting_link(api::enrol_here(store_, io_, std::move(*what)));
    auto done = co_await std::move(change);
    co_return done;
}

/// Does it while nothing goes over the link; afterwards that goes to the new office, or to the old one again.
net::awaitable<Result<json::value>> Server::with_resting_link(net::awaitable<Result<json::value>> change) {
    is_going_over_ = true;
    const bool rests = co_await rest_link();
    Result<json::value> done = fail(Errc::busy, "正在同步,同步完再登记 / a sync is going on: enrol when it has ended");
    if (rests) {
        done = co_await std::move(change);
        auto made = co_await make_link();
        if (!made && done) done = made.error();
        if (!stopping_) start_link();
    }
    is_going_over_ = false;
    pokes_.changed();
    if (store_.is_broken()) stop();
    co_return done;
}

/// The same without a network. Until the answer is taken nothing about the link changes.
net::awaitable<Result<json::value>> Server::go_over_by_file(Command c) {
    auto what = enrol_by_file_of(c.options);
    if (!what) co_return what.error();
    if (is_going_over_) co_return fail(Errc::busy, "正在登记,请稍候 / enrolling already: wait a moment");
    const bool is_taking = what->is_taking();
    auto work = read_or_take(std::move(*what));
    if (is_taking) work = with_resting_link(std::move(work));
    auto done = co_await std::move(work);
    co_return done;
}

net::awaitable<Result<json::value>> Server::read_or_take(EnrolByFile what) {
    auto document = std::make_shared<json::value>();
    node::Store::Work work = [document, w = std::move(what)](node::Node& n) -> Result<std::string> {
        TRY(*document, enrol_by_file(n, w));
        return std::string();
    };
    auto done = co_await store_.run(std::move(work));
    if (!done) co_return done.error();
    co_return std::move(*document);
}

net::awaitable<Result<json::value>> Server::sync_now() {
    if (is_going_over_) co_return fail(Errc::busy, "正在登记,请稍候 / enrolling just now: wait a moment");
    if (!agent_) co_return fail(Errc::usage, "本机没有上级服务器 / this node has no server above it");
    auto report = co_await agent_->sync_now();
    if (report) co_return report_json(*report);
    auto unsent = std::make_shared<std::uint64_t>(0);
    node::Store::Work count = [unsent](node::Node& n) -> Result<std::string> {
        TRY(*unsent, sync::unsent_count(n.replica()));
        return std::string();
    };
    auto counted = co_await store_.run(std::move(count));
    (void)counted;
    co_return offline_error(report.error(), *unsent, "一有网络就自动", "by itself as soon as there is a link");
}

/// What the agent does, for whoever watches; null without a hub above.
json::value Server::agent_json() const {
    if (!agent_) return nullptr;
    const auto s = agent_->status();
    const auto& p = s.progress;
    json::value next = nullptr;
    if (s.state != node::Agenda::State::syncing) next = (s.next_ms + 999) / 1000;
    return json::value{{"state", node::name_of(s.state)},
                       {"live", s.is_live},
                       {"next_in_s", next},
                       {"last_error", s.last_error.empty() ? json::value(nullptr) : json::value(s.last_error)},
                       {"failures", s.failures},
                       {"progress",
                        {{"sent", p.sent},
                         {"to_send", p.to_send},
                         {"received", p.received},
                         {"bytes_up", p.bytes_up},
                         {"bytes_down", p.bytes_down},
                         {"round_trips", p.round_trips},
                         {"cuts", p.cuts}}}};
}

/// Why the link, which is there, does not help: a line that somebody has to act on. Null: nothing of the kind.
json::value Server::trouble_json() const {
    if (!agent_) return nullptr;
    const auto s = agent_->status();
    const bool is_failing = s.state == node::Agenda::State::failing && !s.last_error.empty();
    return is_failing ? json::value(s.last_error) : json::value(nullptr);
}

/// Whoever reaches the control socket holds the data folder.
net::awaitable<Result<json::value>> Server::at_terminal(Command c) {
    if (c.name == "open")
        co_return json::value{{"address", sign_in_.open_address()}, {"sign_in", sign_in_.has_accounts()}};
    auto document = co_await execute(std::move(c), std::nullopt);
    co_return document;
}

/// A large office's figures are read a little at a time, before anybody asks if there is time for that.
net::awaitable<void> Server::read_figures(std::chrono::milliseconds pause) {
    net::steady_timer timer(io_);
    while (!has_figures_ && !stopping_) {
        node::Store::Work work = [](node::Node& n) -> Result<std::string> {
            TRY(const bool whole, n.facts().load_some());
            return std::string(whole ? "whole" : "");
        };
        auto done = co_await store_.run(std::move(work));
        has_figures_ = !done || *done == "whole";  // who asks for figures is told what is wrong
        if (pause == 0ms) continue;
        timer.expires_after(pause);
        auto [ec] = co_await timer.async_wait(http::kToken);
        if (ec) co_return;
    }
}

/// What a large office's search leaves out is read likewise, behind the figures, and follows what is written.
net::awaitable<void> Server::read_texts() {
    net::steady_timer timer(io_);
    while (!stopping_) {
        bool is_whole = false;
        const bool may_read = has_figures_;
        if (may_read) {
            node::Store::Work work = [](node::Node& n) -> Result<std::string> {
                TRY(const bool whole, n.texts().load_some());
                return std::string(whole ? "whole" : "");
            };
            auto done = co_await store_.run(std::move(work));
            is_whole = !done || *done == "whole";
        }
        const std::chrono::milliseconds next = is_whole ? kBetweenTexts : kBetweenFigures;
        timer.expires_after(may_read ? next : kFiguresLook);
        auto [ec] = co_await timer.async_wait(http::kToken);
        if (ec) co_return;
    }
}

/// Checkpoints and old history, once an hour; the first time when the start has settled.
net::awaitable<void> Server::keep_up() {
    net::steady_timer pause(io_);
    for (std::chrono::seconds wait = 60s; !stopping_; wait = kUpkeepEvery) {
        pause.expires_after(wait);
        auto [ec] = co_await pause.async_wait(http::kToken);
        if (ec || stopping_) co_return;
        const auto round = std::make_shared<Upkeep>(options_.is_hub);
        for (bool is_done = false; !is_done && !stopping_;) {
            node::Store::Work work = [round](node::Node& n) -> Result<std::string> {
                TRY(const bool done, round->some(n));
                return std::string(done ? "done" : "");
            };
            auto piece = co_await store_.run(std::move(work));
            if (!piece) log(piece.error().detail);
            is_done = !piece || *piece == "done";
        }
        if (!round->line().empty()) log(round->line());
        pokes_.changed();  // a checkpoint is news
    }
}

net::awaitable<void> Server::wait_for_signal() {
    net::signal_set signals(io_, SIGINT, SIGTERM);
    auto [ec, n] = co_await signals.async_wait(http::kToken);
    (void)ec;
    (void)n;
    stop();
}

void Server::stop() {
    if (stopping_) return;
    stopping_ = true;
    if (store_.is_broken())
        failure_ = fail(Errc::io,
                        "磁盘出错,已停止服务,没有确认任何未落盘的内容 / disk error: stopped serving; nothing that is "
                        "not on the disk was acknowledged");
    pokes_.stop();
    if (agent_) agent_->stop();
    if (files_) files_->stop();
    front_.stop();
}

/// Before anything is answered.
Result<> Server::start_sign_in() {
    const auto read = run_to_end<std::string>(io_, sign_in_.read_accounts());
    return read ? Result<>() : Result<>(read.error());
}

/// With a hub above, by the facts that enrolment left.
net::awaitable<Result<std::string>> Server::make_link() {
    auto options = std::make_shared<node::Agent::Options>();
    node::Store::Work look = [options](node::Node& n) -> Result<std::string> {
        TRY(options->url, n.replica().fact("upstream/url"));
        // Without it there are no live pokes; what else is missing the sync says.
        if (auto token = sync::upstream_token(n.replica())) options->token = std::move(*token);
        if (!options->url.empty()) {
            TRY(options->tls, node::client_tls(n, options->url));
        }
        return std::string();
    };
    auto looked = co_await store_.run(std::move(look));
    if (!looked || options->url.empty()) co_return looked;
    options->seed = std::random_device{}();
    options->log = options_.log;
    options->synced = [this] {
        pokes_.changed();
        files_->wake();
    };
    files_ = std::make_unique<FileSync>(
        io_, store_, std::make_shared<http::Client>(io_, options->url, options->tls),
        [this] { return agent_->status().state == node::Agenda::State::syncing; },
        [this](const std::string& line) { log(line); });
    agent_ = std::make_unique<node::Agent>(store_, io_, std::move(*options));
    co_return looked;
}

void Server::start_link() {
    if (agent_) net::co_spawn(io_, agent_->run(), [](std::exception_ptr) {});
    if (files_) net::co_spawn(io_, files_->run(), [](std::exception_ptr) {});
}

Result<> Server::run(std::shared_ptr<http::Tls> tls) {
    const bool is_secure = tls != nullptr, was_open = front_.is_open();
    if (tls) front_.http.secure(std::move(tls));
    TRY_VOID(start_sign_in());
    TRY_VOID(run_to_end<std::string>(io_, make_link()));
    if (options_.is_hub) {
        auto door = pokes_.door();
        live_gate_ = std::move(door.gate);
        door.gate = [this](http::Request q) { return gate_live(std::move(q)); };
        front_.http.open_door(std::move(door));
    }
    if (!was_open) TRY_VOID(front_.open(options_.listen, dir_));
    const auto port = front_.port();
    hosts_.emplace(options_.listen, port, is_secure, options_.hosts);
    const auto address = own_address(options_.listen, port, is_secure);
    TRY_VOID(sign_in_.begin(address, port, is_secure));
    front_.on_request = [this](http::Request q) { return handle(std::move(q)); };
    front_.on_command = [this](Command c) { return at_terminal(std::move(c)); };
    if (!was_open && !options_.port_file.empty())
        TRY_VOID(node::write_file(options_.port_file, std::to_string(port) + "\n"));
    net::co_spawn(io_, wait_for_signal(), [](std::exception_ptr) {});
    net::co_spawn(io_, keep_up(), [](std::exception_ptr) {});
    if (options_.is_hub) {
        net::co_spawn(io_, read_figures(kBetweenFigures), [](std::exception_ptr) {});
        net::co_spawn(io_, read_texts(), [](std::exception_ptr) {});
    }
    start_link();
    if (!was_open && options_.ready) {
        auto launch = node::read_file(dir_ + "/" + node::kLaunchFile, 1024);
        if (launch && launch->ends_with("\n")) launch->pop_back();
        options_.ready(address, launch && !sign_in_.has_accounts() ? *launch : address);
    }
    io_.run();
    store_.stop();
    side_.stop();
    sign_in_.end();
    front_.remove_socket();
    if (failure_) return *failure_;
    return {};
}

/// Those below are given the log: a hub has all of it.
Result<> must_have_all(node::Node& node) {
    if (!node.replica().has_dropped()) return {};
    return fail(
        Errc::not_allowed,
        "这些数据属于一台终端,没有全部历史,不能当服务器;请在空文件夹里 join / this data is a device's and lacks "
        "old history, it cannot be a server: join with an empty folder");
}

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

Result<> serve(node::Node& node, const ServeOptions& options) {
    if (options.is_hub) TRY_VOID(must_have_all(node));
    if (node::is_trial_clock() && !is_loopback(options.listen))
        return fail(Errc::usage,
                    "设了 TAIZHANG_NOW,只能在本机(127.0.0.1)服务 / TAIZHANG_NOW is set: serving loopback only");
    std::shared_ptr<http::Tls> tls;
    if (!options.certificate.empty()) {
        TRY(tls, http::Tls::serve_with_files(options.certificate, options.key));
    } else if (options.is_secure || !is_loopback(options.listen)) {
        TRY(tls, node::server_tls(node));
    }
    node::allow_many_descriptors();
    Front front;
    auto server = std::make_shared<Server>(front, node, options);
    return server->run(std::move(tls));
}

Result<> serve_locked(node::DataDir dir, const ServeOptions& options) {
    std::unique_ptr<node::Node> node;  // what still waits on the io_context at the end knows it
    Front front;
    Unlock unlock(front, dir.path(), options);
    TRY(auto passphrase, unlock.wait());
    if (passphrase.empty()) return {};
    node::Node::Options o;
    o.dir = dir.path();
    o.passphrase = std::move(passphrase);
    TRY(node, node::Node::open(o, std::move(dir)));
    node::allow_many_descriptors();
    auto server = std::make_shared<Server>(front, *node, options, unlock.tokens());
    return server->run(nullptr);
}

Result<> serve_new(std::unique_ptr<node::Node> node, const ServeOptions& options) {
    // What still waits on the io_context at the end knows what stands before it here.
    auto store = std::make_unique<node::Store>(*node);
    std::unique_ptr<FirstEnrolment> enrolment;
    Front front;
    enrolment = std::make_unique<FirstEnrolment>(front, *store, node->dir().path(), options);
    TRY(const bool is_enrolled, enrolment->wait());
    store->stop();
    if (!is_enrolled) return {};
    node::allow_many_descriptors();
    auto server = std::make_shared<Server>(front, *node, options, enrolment->tokens());
    return server->run(nullptr);
}

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

std::optional<Result<json::value>> ask_serving(const std::string& dir, const Command& command) {
    const node::SocketPath path(dir);
    net::io_context io;
    local::socket socket(io);
    boost::system::error_code ec;
    socket.connect(local::endpoint(path.path()), ec);
    if (ec) return std::nullopt;
    net::write(socket, net::buffer(command.encode() + "\n"), ec);
    std::string answer;
    if (!ec) net::read_until(socket, net::dynamic_buffer(answer), '\n', ec);
    if (ec && answer.empty())
        return Result<json::value>(
            fail(Errc::busy, "正在运行的程序没有答复,请稍后再试 / the running program does not answer, try again"));
    boost::system::error_code bad;
    const auto v = json::parse(answer, bad);
    if (bad || !v.is_object())
        return Result<json::value>(
            fail(Errc::protocol, "正在运行的程序答复有误 / the running program's answer makes no sense"));
    const auto& o = v.as_object();
    if (const auto* e = o.if_contains("error")) {
        Error error;
        error.detail = std::string(e->at("line").as_string());
        const auto code = e->at("code").as_string();
        for (int i = 0; i <= static_cast<int>(Errc::internal); ++i)
            if (taizhang::name_of(static_cast<Errc>(i)) == std::string_view(code)) error.code = static_cast<Errc>(i);
        return Result<json::value>(std::move(error));
    }
    return Result<json::value>(o.at("document"));
}

}  // namespace taizhang::api
