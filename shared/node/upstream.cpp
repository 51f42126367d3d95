#include "node/upstream.h"

#include "http/await.h"
#include "node/secure.h"

#include "ledger/notices.h"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>

namespace taizhang::node {

using namespace std::chrono_literals;
constexpr auto kEnrolDeadline = 300s;   // a hub that is busy over a link that is slow
constexpr auto kPauseAfterCut = 200ms;  // none at first, then longer with each try that got nothing through
constexpr int kTriesWithoutProgress = 5;
constexpr std::size_t kLongAnswer = 4096;    // bytes; while it is taken the next one is asked for
constexpr std::size_t kSmallRequest = 2048;  // bytes; a link that breaks under less does not break of its size

http::Request post_to(const char* target, std::string body) {
    http::Request q;
    q.method = "POST";
    q.target = target;
    // No content type: the address says what the body is, and every byte is dear on a bad link.
    q.body = std::move(body);
    return q;
}

Error refusal(const http::Response& r) {
    auto line = r.body.substr(0, 500);
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
    // Some other server's page, or a network's that asks for a login, is no line for a person.
    if (line.find(" / ") == std::string::npos || line.find('\n') != std::string::npos) {
        const auto status = std::to_string(r.status);
        line = "服务器答复 " + status + ",对方可能不是台账服务器 / the server answered " + status +
               ": it may be no server of this program";
    }
    switch (r.status) {
        case 401:
        case 403: return fail(Errc::denied, line);
        case 503:
        case 504: return fail(Errc::offline, line);
        case 507: return fail(Errc::offline, line);
        default: return fail(Errc::protocol, line);
    }
}

namespace {

http::Tls::Shown seen(const FirstContact& contact) { return contact.shown ? *contact.shown : http::Tls::Shown{}; }

/// Before the code is told: the fingerprint of whoever answers.
net::awaitable<Result<std::string>> ask_fingerprint(Store& store, std::shared_ptr<http::Client> client,
                                                    FirstContact contact) {
    Store::Work make = [](Node& n) { return sync::Enrolment(n.replica()).question(); };
    auto question = co_await store.run(std::move(make));
    if (!question) co_return question;
    auto message = post_to("/enrol", std::move(*question));
    auto response = co_await client->send(std::move(message), kEnrolDeadline);
    if (!response) co_return response.error();
    if (response->status != 200) co_return refusal(*response);
    auto shown = seen(contact);
    Store::Work look = [body = std::move(response->body), shown](Node& n) -> Result<std::string> {
        TRY(const auto key, sync::Enrolment::hub_key(body));
        TRY_VOID(check_is(shown, key));
        return sync::Enrolment(n.replica()).fingerprint(body);
    };
    auto there = co_await store.run(std::move(look));
    co_return there;
}

/// Is it the server whose fingerprint the person has?
Result<> check_fingerprint(const std::string& there, const std::string& wanted) {
    if (trust::same_fingerprint(there, wanted)) return {};
    return fail(Errc::denied, "服务器的核对码是 " + there +
                                  ",不是您给的,没有登记:请核对地址,或与上级联系 / the server's fingerprint is " +
                                  there +
                                  ", not the one given: nothing was enrolled; check the address, or ask "
                                  "those above");
}

}  // namespace

net::awaitable<Result<std::string>> fingerprint_at(Store& store, net::io_context& io, std::string url) {
    auto contact = first_contact(url);
    if (!contact) co_return contact.error();
    auto client = std::make_shared<http::Client>(io, url, contact->tls);
    auto there = co_await ask_fingerprint(store, client, *contact);
    co_return there;
}

net::awaitable<Result<std::string>> enrol(Store& store, net::io_context& io, std::string url, std::string code,
                                          std::string label, sync::Enrolment::Begin begin, std::string fingerprint) {
    auto contact = first_contact(url);
    if (!contact) co_return contact.error();
    auto client = std::make_shared<http::Client>(io, url, contact->tls);
    if (!fingerprint.empty()) {
        auto there = co_await ask_fingerprint(store, client, *contact);
        if (!there) co_return there;
        if (const auto same = check_fingerprint(*there, fingerprint); !same) co_return same.error();
    }
    Store::Work make = [code, label](Node& n) { return sync::Enrolment(n.replica()).request(code, label); };
    auto request = co_await store.run(std::move(make));
    if (!request) co_return request;
    auto message = post_to("/enrol", std::move(*request));
    auto response = co_await client->send(std::move(message), kEnrolDeadline);
    if (!response) co_return response.error();
    if (response->status != 200) co_return refusal(*response);
    // The first look at the link: what follows is fetched in chunks that fit it.
    const sync::Trip trip{client->bytes_up(), client->bytes_down(), client->timing().first, client->timing().last};
    auto shown = seen(*contact);
    Store::Work keep = [body = std::move(response->body), url, begin, trip, shown](Node& n) -> Result<std::string> {
        TRY(const auto key, sync::Enrolment::hub_key(body));
        TRY_VOID(check_is(shown, key));
        sync::Enrolment enrolment(n.replica(), begin);
        TRY_VOID(enrolment.reply(body));
        TRY_VOID(sync::note_trip(n.replica(), trip));
        TRY_VOID(n.replica().set_fact("upstream/url", url));
        TRY_VOID(n.keep_incarnation());
        return enrolment.fingerprint();
    };
    auto kept = co_await store.run(std::move(keep));
    co_return kept;
}

namespace {

/// One sync, told by `run`: trips until nothing is left, taken up again after a cut.
class Syncing {
public:
    Syncing(Store& store, net::io_context& io, std::shared_ptr<http::Client> client,
            std::shared_ptr<SyncProgress> progress)
        : store_(store),
          client_(std::move(client)),
          progress_(std::move(progress)),
          pause_(io),
          up_(client_->bytes_up()),
          down_(client_->bytes_down()) {
        if (!progress_) progress_ = std::make_shared<SyncProgress>();
        *progress_ = {};
        progress_->is_running = true;
    }
    ~Syncing() { progress_->is_running = false; }
    Syncing(const Syncing&) = delete;
    Syncing& operator=(const Syncing&) = delete;

    net::awaitable<Result<SyncReport>> run();

private:
    /// What the store thread prepares and takes; it outlives a caller that went away.
    struct Shared {
        std::unique_ptr<sync::Session> session;
        std::chrono::milliseconds patience{0};
        SyncReport counts;
        std::vector<std::string> known;  ///< notices from before
    };

    /// A request and what came back, or why nothing did.
    struct Answered {
        std::size_t request_bytes = 0;
        std::uint64_t retries = 0;  ///< times that the connection broke under it and it was sent again at once
        sync::Trip trip;            ///< what it has moved, and how fast
        ReplicaId by;               ///< whose key answered
        Result<http::Response> response{http::Response{}};
    };
    net::awaitable<Result<std::string>> trip();
    net::awaitable<Answered> send(std::string request);
    net::awaitable<Result<std::string>> take(std::string answer, sync::Trip trip, ReplicaId by);
    net::awaitable<Result<std::string>> begin();
    net::awaitable<void> broke(std::size_t request_bytes, std::uint64_t heard);
    net::awaitable<Result<SyncReport>> report();
    void show();

    Store& store_;
    std::shared_ptr<http::Client> client_;
    std::shared_ptr<SyncProgress> progress_;
    net::steady_timer pause_;
    std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
    std::uint64_t up_, down_;
    bool is_cut_ = false;            // the last trip's link broke after it had been there
    std::optional<Answered> early_;  // what was asked while the answer before it was taken
};

void Syncing::show() {
    const auto& s = shared_->session->stats();
    progress_->sent = s.sent;
    progress_->received = s.received;
    progress_->round_trips = s.round_trips + progress_->cuts;  // one that a cut ate was a trip all the same
    progress_->bytes_up = client_->bytes_up() - up_;
    progress_->bytes_down = client_->bytes_down() - down_;
}

net::awaitable<Result<std::string>> Syncing::begin() {
    auto to_send = std::make_shared<std::uint64_t>(0);
    Store::Work work = [shared = shared_, to_send](Node& n) -> Result<std::string> {
        TRY(shared->known, ledger::notices(n.replica()));
        shared->session = std::make_unique<sync::Session>(n.replica());
        TRY(*to_send, sync::unsent_count(n.replica()));
        return std::string();
    };
    auto done = co_await store_.run(std::move(work));
    progress_->to_send = *to_send;
    co_return done;
}

/// The next request is smaller, if it was this one's size that the link did not bear.
net::awaitable<void> Syncing::broke(std::size_t request_bytes, std::uint64_t heard) {
    ++progress_->cuts;
    if (request_bytes < kSmallRequest && heard == 0) co_return;
    Store::Work work = [shared = shared_](Node&) -> Result<std::string> {
        TRY_VOID(shared->session->cut());
        return std::string();
    };
    auto done = co_await store_.run(std::move(work));
    (void)done;
}

net::awaitable<Syncing::Answered> Syncing::send(std::string request) {
    Answered out;
    out.request_bytes = request.size();
    const auto up = client_->bytes_up(), down = client_->bytes_down(), retries = client_->retries();
    auto message = post_to("/sync", std::move(request));
    out.response = co_await client_->send(std::move(message), shared_->patience);
    const auto timing = client_->timing();
    out.retries = client_->retries() - retries;
    out.by = answered_by(*client_);
    out.trip = {client_->bytes_up() - up, client_->bytes_down() - down, timing.first, timing.last};
    co_return out;
}

/// Takes the answer and, if it is a long one and the request after it is known already, asks meanwhile.
net::awaitable<Result<std::string>> Syncing::take(std::string answer, sync::Trip trip, ReplicaId by) {
    using namespace net::experimental::awaitable_operators;
    auto body = std::make_shared<const std::string>(std::move(answer));
    std::string next;
    if (body->size() >= kLongAnswer) {
        Store::Work look = [shared = shared_, body](Node&) { return shared->session->ahead(*body); };
        auto ahead = co_await store_.run(std::move(look));
        if (!ahead) co_return ahead;
        next = std::move(*ahead);
    }
    Store::Work work = [shared = shared_, trip, by, body](Node& n) -> Result<std::string> {
        shared->session->measured(trip);
        shared->session->answered_by(by);
        TRY_VOID(shared->session->reply(*body));
        TRY_VOID(n.keep_incarnation());
        return std::string();
    };
    if (next.empty()) {
        auto taken = co_await store_.run(std::move(work));
        co_return taken;
    }
    auto taking = store_.run(std::move(work));
    auto asking = send(std::move(next));
    auto both = co_await (std::move(taking) && std::move(asking));
    early_ = std::move(std::get<1>(both));
    co_return std::get<0>(both);
}

net::awaitable<Result<std::string>> Syncing::trip() {
    is_cut_ = false;
    if (!early_) {
        Store::Work make = [shared = shared_](Node&) -> Result<std::string> {
            auto request = shared->session->request();
            shared->patience = shared->session->patience();
            return request;
        };
        auto request = co_await store_.run(std::move(make));
        if (!request) co_return request;
        early_ = co_await send(std::move(*request));
    }
    auto answered = std::move(*std::exchange(early_, std::nullopt));
    for (; answered.retries > 0; --answered.retries) co_await broke(answered.request_bytes, 0);
    show();
    auto& response = answered.response;
    if (!response) {
        is_cut_ = response.error().code == Errc::offline && answered.trip.bytes_up > 0;
        if (is_cut_) co_await broke(answered.request_bytes, answered.trip.bytes_down);
        co_return response.error();
    }
    if (response->status != 200) co_return refusal(*response);
    auto taken = co_await take(std::move(response->body), answered.trip, answered.by);
    show();
    co_return taken;
}

net::awaitable<Result<SyncReport>> Syncing::run() {
    auto begun = co_await begin();
    if (!begun) co_return begun.error();
    std::uint64_t trips = 0;
    for (int tries = 0; shared_->session->wants_more();) {
        auto done = co_await trip();
        if (done) continue;
        const auto& stats = shared_->session->stats();
        // A trip that came through is something that will not be sent again.
        if (stats.round_trips > trips) tries = 0;
        const bool was_there = is_cut_ || stats.round_trips > 0;
        trips = stats.round_trips;
        if (done.error().code != Errc::offline || !was_there || ++tries > kTriesWithoutProgress) co_return done.error();
        pause_.expires_after(kPauseAfterCut * ((1 << (tries - 1)) - 1));
        auto waited = co_await pause_.async_wait(http::kToken);
        (void)waited;
    }
    auto result = co_await report();
    co_return result;
}

net::awaitable<Result<SyncReport>> Syncing::report() {
    Store::Work count = [shared = shared_](Node& n) -> Result<std::string> {
        auto& r = shared->counts;
        TRY(r.unsent, sync::unsent_count(n.replica()));
        TRY(r.acked_township, sync::own_commits_at(n.replica(), Level::township));
        TRY(r.acked_city, sync::own_commits_at(n.replica(), Level::city));
        TRY(const auto notices, ledger::notices(n.replica()));
        for (const auto& line : notices)
            if (std::find(shared->known.begin(), shared->known.end(), line) == shared->known.end())
                r.notices.push_back(line);
        return std::string();
    };
    auto counted = co_await store_.run(std::move(count));
    if (!counted) co_return counted.error();
    auto& r = shared_->counts;
    r.sent = progress_->sent;
    r.received = progress_->received;
    r.round_trips = progress_->round_trips;
    r.bytes_up = progress_->bytes_up;
    r.bytes_down = progress_->bytes_down;
    r.cuts = progress_->cuts;
    r.refused = shared_->session->stats().refused;
    r.is_good_link = shared_->session->chunks().is_good();
    co_return r;
}

}  // namespace

net::awaitable<Result<SyncReport>> sync_once(Store& store, net::io_context& io, std::shared_ptr<http::Client> client,
                                             std::shared_ptr<SyncProgress> progress) {
    Syncing syncing(store, io, std::move(client), std::move(progress));
    auto result = co_await syncing.run();
    co_return result;
}

}  // namespace taizhang::node
