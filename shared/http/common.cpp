// common.cpp - what both sides of http.h share and needs no socket.
#include "http/http.h"
#include "http/strict.h"

#include <boost/asio/ip/address.hpp>

namespace taizhang::http {

namespace {

std::string_view find_header(const Headers& headers, std::string_view lower_case_name) {
    for (const auto& [name, value] : headers)
        if (name == lower_case_name) return value;
    return {};
}

bool is_name_or_ipv4(std::string_view host) {
    if (host.empty() || host.size() > 253) return false;
    for (const char c : host) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
        if (!plain) return false;
    }
    return true;
}

bool is_port(std::string_view port) {
    if (port.empty() || port.size() > 5) return false;
    unsigned number = 0;
    for (const char c : port) {
        if (c < '0' || c > '9') return false;
        number = number * 10 + static_cast<unsigned>(c - '0');
    }
    return number >= 1 && number <= 65535;
}

}  // namespace

std::string_view Request::header(std::string_view lower_case_name) const {
    return find_header(headers, lower_case_name);
}
std::string_view Response::header(std::string_view lower_case_name) const {
    return find_header(headers, lower_case_name);
}

Result<Origin> parse_origin(const std::string& url) {
    const auto rubbish =
        fail(Errc::usage, "地址应为 https://主机:端口，而不是 " + url + " / wants https://HOST:PORT, not " + url);
    const std::string lower_url = strict::lower(url);
    std::string_view rest = lower_url;
    Origin origin;
    origin.is_secure = rest.substr(0, 8) == "https://";
    if (!origin.is_secure && rest.substr(0, 7) != "http://") return rubbish;
    rest.remove_prefix(origin.is_secure ? 8 : 7);
    if (!rest.empty() && rest.back() == '/') rest.remove_suffix(1);

    if (!rest.empty() && rest.front() == '[') {
        const auto end = rest.find(']');
        if (end == std::string_view::npos) return rubbish;
        origin.host = std::string(rest.substr(1, end - 1));
        rest.remove_prefix(end + 1);
        boost::system::error_code ec;
        const auto address = net::ip::make_address_v6(origin.host, ec);
        // A zone ("%eth0") means something on one machine only and does not belong in a Host header.
        if (ec || address.scope_id() != 0 || origin.host.find('%') != std::string::npos) return rubbish;
    } else {
        const auto end = std::min(rest.find(':'), rest.size());
        origin.host = std::string(rest.substr(0, end));
        rest.remove_prefix(end);
        if (!is_name_or_ipv4(origin.host)) return rubbish;
    }
    if (rest.empty()) {
        origin.port = origin.is_secure ? "443" : "80";
        return origin;
    }
    if (rest.front() != ':' || !is_port(rest.substr(1))) return rubbish;
    rest.remove_prefix(1);
    origin.port = std::string(rest);
    return origin;
}

bool Origin::is_loopback() const {
    if (host == "localhost") return true;
    boost::system::error_code ec;
    const auto address = net::ip::make_address(host, ec);
    return !ec && address.is_loopback();
}

int http_status(Errc code) {
    switch (code) {
        case Errc::usage: return 400;
        case Errc::bad_input: return 422;
        case Errc::not_found: return 404;
        case Errc::not_allowed: return 409;
        case Errc::denied: return 403;
        case Errc::protocol: return 400;  // what we were sent made no sense
        case Errc::busy: return 503;
        case Errc::offline: return 504;
        case Errc::disk_full: return 507;
        case Errc::io:
        case Errc::foreign_data:
        case Errc::corrupt:
        case Errc::internal: return 500;
    }
    return 500;
}

}  // namespace taizhang::http
