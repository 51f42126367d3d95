#include "api/enrol_here.h"

#include "api/base64.h"
#include "api/files.h"

#include "http/http.h"
#include "node/upstream.h"
#include "sync/session.h"
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

/// As somebody typed it. People read addresses out over the telephone; without TLS nobody enrols beyond this PC anyway.
Result<std::string> server_of(const std::string& typed) {
    auto server = trimmed(typed);
    if (server.find("://") == std::string::npos) server = "https://" + server;
    if (const auto origin = http::parse_origin(server); !origin) return at_field("server", origin.error());
    return server;
}

}  // namespace

Result<EnrolHere> enrol_here_of(const std::string& server, const std::string& code, const std::string& fingerprint) {
    EnrolHere what{trimmed(server), trimmed(code), trimmed(fingerprint)};
    if (what.server.empty())
        return fail(Errc::usage, "server: 请填上级服务器的地址 / server: give the address of the office above");
    TRY(what.server, server_of(what.server));
    return what;
}

bool is_enrol_by_file(const std::map<std::string, std::string>& said) {
    return said.contains("request") || said.contains("bytes");
}

Result<EnrolByFile> enrol_by_file_of(const std::map<std::string, std::string>& said) {
    const auto of = [&](const char* name) {
        const auto it = said.find(name);
        return it == said.end() ? std::string() : it->second;
    };
    EnrolByFile what;
    what.answer = of("bytes");
    what.is_request = !said.contains("bytes");
    what.fingerprint = trimmed(of("fingerprint"));
    if (!trimmed(of("server")).empty()) {
        TRY(what.server, server_of(of("server")));
    }
    return what;
}

Result<json::value> enrol_by_file(node::Node& node, const EnrolByFile& what) {
    if (what.is_request) {
        TRY(const auto bytes, sync::Enrolment(node.replica()).request_file(kLabel));
        const auto name = "登记申请-" + to_hex(view(node.replica().id().bytes)).substr(0, 8) + ".tzq";
        return json::value{{"name", name}, {"base64", base64(bytes)}};
    }
    if (what.is_taking()) {
        auto taken = take_answer(node, what.answer, what.fingerprint, what.server);
        if (!taken) return at_field("answer", taken.error());
        taken->as_object()["enrolled"] = true;
        return taken;
    }
    const auto answer = sync::Enrolment(node.replica()).look_at_answer(what.answer);
    if (!answer) return at_field("answer", answer.error());
    return json::value{{"unit", answer->unit},
                       {"name", answer->name},
                       {"device", answer->device},
                       {"fingerprint", answer->fingerprint}};
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
