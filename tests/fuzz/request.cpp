// A whole request, as anybody may send it before he has signed in: header, Host and Origin, cookies, address, a small
// JSON body.
#include "api/address.h"
#include "api/sign_in.h"
#include "files/content_index.h"
#include "http/message.h"
#include "http/strict.h"
#include "tests/fuzz/fuzz.h"

using namespace taizhang;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = fuzz::view(data, size);
    http::strict::HeadScan scan;
    if (scan.advance(bytes) != http::strict::HeadScan::State::complete) return 0;
    const auto head = bytes.substr(0, scan.size());
    http::strict::Framing framing;
    if (http::strict::check_request(head, 64, 1u << 23, framing)) return 0;
    auto q = http::request_from(head);
    if (!q) return 0;
    q->body = std::string(bytes.substr(scan.size()));
    static const api::Hosts hosts("127.0.0.1:8443", 8443, true, {"taizhang.example"});
    for (const auto place : {api::Place::device, api::Place::screen, api::Place::api})
        if (const auto refused = api::refuse(hosts, place, *q)) {
            // It can be sent, and has nothing of the request in it that could begin a header or a tag.
            fuzz::require(refused->body.find_first_of("<>\r") == std::string::npos);
            fuzz::require(refused->body.find('\n') == refused->body.size() - 1);
            fuzz::require(http::response_head(*refused, true).has_value());
        }
    static_cast<void>(api::cookie(*q, "__Host-tz-session-8443"));
    if (const auto body = api::body_of(*q)) fuzz::require(q->body.size() <= 8192);
    api::Command c;
    api::read_target(q->target, c);
    for (const auto& a : c.args) static_cast<void>(files::parse_hash(a));
    return 0;
}
