#include "api/enrol_here.h"

#include "http/http.h"
#include "node/upstream.h"
#include "text/text.h"

namespace taizhang::api {

namespace json = boost::json;
namespace net = boost::asio;

namespace {

/// What the hub lists this PC as.
constexpr const char* kLabel = "taizhang";

std::string trimmed(std::string_view s) {
    while (!s.empty() && s.front() == ' ') s.remove_prefix(1);
    while (!s.empty() && s.back() == ' ') s.remove_suffix(1);
    return std::string(s);
}

Error at_field(const std::string& field, const Error& e) {
    const auto [zh, en] = text::halves(e.detail);
    return fail(e.code, field + ": " + std::string(zh) + " / " + field + ": " + std::string(en));
}

}  // namespace

Result<EnrolHere> enrol_here_of(const std::string& server, const std::string& code, const std::string& fingerprint) {
    EnrolHere what{trimmed(server), trimmed(code), trimmed(fingerprint)};
    if (what.server.empty())
        return fail(Errc::usage, "server: 请填上级服务器的地址 / server: give the address of the office above");
    // People read addresses out over the telephone; without TLS nobody enrols beyond this PC anyway.
    if (what.server.find("://") == std::string::npos) what.server = "https://" + what.server;
    if (const auto origin = http::parse_origin(what.server); !origin) return at_field("server", origin.error());
    return what;
}

net::awaitable<Result<json::value>> enrol_here(node::Store& store, net::io_context& io, EnrolHere what) {
    Result<std::string> seen = std::string();
    if (what.code.empty()) {
        auto asking = node::fingerprint_at(store, io, what.server);
        seen = co_await std::move(asking);
    } else {
        auto enrolling = node::enrol(store, io, what.server, what.code, kLabel, sync::Enrolment::Begin::with_state,
                                     what.fingerprint);
        seen = co_await std::move(enrolling);
    }
    if (!seen) {
        // Who is there was seen before: what is refused now is the code.
        const bool is_code = !what.code.empty() && seen.error().code == Errc::denied;
        co_return at_field(is_code ? "code" : "server", seen.error());
    }
    json::object out{{"server", what.server}, {"fingerprint", *seen}};
    if (!what.code.empty()) out["enrolled"] = true;
    co_return json::value(std::move(out));
}

}  // namespace taizhang::api
