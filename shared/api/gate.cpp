#include "api/gate.h"

#include "node/addresses.h"

#include <boost/asio/ip/address.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace taizhang::api {
namespace {

/// HOST:PORT or HOST, [v6] in brackets; the port with its colon in `port`.
std::string_view host_part(std::string_view text, std::string_view* port = nullptr) {
    const auto from = text.starts_with("[") ? text.find(']') : 0;
    const auto colon = from == std::string_view::npos ? from : text.find(':', from);
    if (port) *port = colon == std::string_view::npos ? std::string_view() : text.substr(colon);
    return text.substr(0, colon);
}

// More would not be read out; a server with many networks has names that its operator gives.
constexpr std::size_t kAddressesMax = 4;

bool is_on_this_pc(std::string_view host) { return host.starts_with("127.") || host == "localhost" || host == "[::1]"; }

bool is_digits(std::string_view host) {
    if (host.starts_with("[") && host.ends_with("]")) host = host.substr(1, host.size() - 2);
    boost::system::error_code ec;
    boost::asio::ip::make_address(std::string(host), ec);
    return !ec;
}

http::Response refusal(int status, std::string line) {
    http::Response r;
    r.status = status;
    r.content_type = "text/plain; charset=utf-8";
    r.body = std::move(line) + "\n";
    harden(r);
    return r;
}

/// `name`: what --host would have to be. A token, so that the line can be copied as it is.
http::Response unknown_host(const std::string& name) {
    return refusal(421, "本服务器不用 " + name + " 这个名称;要用它访问,请以 serve --host " + name +
                            " 启动本服务器 / this server does not go by the name " + name +
                            ": to reach it by that name, start it with serve --host " + name);
}

bool is_state_changing(const http::Request& q) { return q.method != "GET" && q.method != "HEAD"; }

}  // namespace

std::string Hosts::lower(std::string_view s) {
    std::string out(s);
    for (auto& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    return out;
}

void Hosts::add(std::string host, std::uint16_t port) {
    host = lower(host);
    names_.insert(host);
    exact_.insert(host + ":" + std::to_string(port));
    if (port == (is_secure_ ? 443 : 80)) exact_.insert(host);
}

Hosts::Hosts(const std::string& listen, std::uint16_t port, bool is_secure, const std::vector<std::string>& more)
    : is_secure_(is_secure), port_(port) {
    const std::string host(host_part(listen));
    const bool is_any = host == "0.0.0.0" || host == "[::]";
    const bool is_loopback = is_on_this_pc(host);
    for (const char* own : {"localhost", "127.0.0.1", "[::1]"})
        if (is_any || is_loopback) add(own, port);
    if (!is_any) add(host, port);
    if (is_any)
        for (const auto& a : node::own_addresses()) add(a, port);
    if (!is_loopback) {
        std::array<char, 256> name{};
        if (::gethostname(name.data(), name.size() - 1) == 0 && name[0]) add(name.data(), port);
    }
    for (const auto& m : more) {
        std::string_view given;
        const std::string own(host_part(m, &given));
        const auto number = given.empty() ? 0UL : std::strtoul(std::string(given.substr(1)).c_str(), nullptr, 10);
        const auto at = number > 0 && number < 65536 ? static_cast<std::uint16_t>(number) : port;
        add(own, at);
        told_.push_back(lower(own) + ":" + std::to_string(at));
    }
    const auto with_port = [&](const std::string& name) { return name + ":" + std::to_string(port); };
    if (!is_any) told_.push_back(with_port(host));
    if (is_any)
        for (const auto& a : node::own_addresses())
            if (!is_on_this_pc(a) && !a.starts_with("[fe80:")) told_.push_back(with_port(a));
}

std::vector<std::string> Hosts::addresses() const {
    auto out = told_;
    if (out.size() > kAddressesMax) out.resize(kAddressesMax);
    if (!is_secure_)
        for (auto& a : out) a = "http://" + a;
    return out;
}

bool Hosts::fits_device(std::string_view host) const {
    const auto name = lower(host_part(host));
    return names_.contains(name) || is_digits(name);
}

std::string Hosts::option_for(std::string_view host) const {
    std::string_view port;
    const auto name = host_part(host, &port);
    // Nothing else of a stranger's request goes into an answer.
    const auto is_plain = [](std::string_view s) {
        return std::all_of(s.begin(), s.end(), [](unsigned char c) {
            return std::isalnum(c) || std::string_view(".-_:").find(static_cast<char>(c)) != std::string_view::npos;
        });
    };
    if (name.empty() || host.size() > 260 || !is_plain(host)) return "NAME";
    const auto number = port.empty() ? std::string(is_secure_ ? "443" : "80") : std::string(port.substr(1));
    return lower(name) + (number == std::to_string(port_) ? std::string() : ":" + number);
}

bool Hosts::has_origin(std::string_view origin) const {
    const std::string_view scheme = is_secure_ ? "https://" : "http://";
    return origin.starts_with(scheme) && has(origin.substr(scheme.size()));
}

std::optional<http::Response> refuse(const Hosts& hosts, Place place, const http::Request& q) {
    const auto host = q.header("host");
    if (place == Place::device ? !hosts.fits_device(host) : !hosts.has(host))
        return unknown_host(hosts.option_for(host));
    const auto origin = q.header("origin"), site = q.header("sec-fetch-site");
    if (place == Place::device) {
        if (origin.empty() && site.empty() && q.header("cookie").empty()) return std::nullopt;
        return refusal(403, "这个地址供程序使用,不供浏览器 / this address is for programs, not for browsers");
    }
    if (!origin.empty() && !hosts.has_origin(origin))
        return refusal(403, "请求来自别的网站 / the request comes from another site");
    if (site.empty() || site == "same-origin") return std::nullopt;
    // A link or a bookmark may open the page itself; nothing else comes from outside. Another port of this PC is
    // outside, too ("same-site").
    const bool is_opened = place == Place::screen && !is_state_changing(q) &&
                           q.header("sec-fetch-mode") == "navigate" && q.header("sec-fetch-dest") == "document";
    const bool is_typed = site == "none" && !is_state_changing(q);
    if (is_opened || is_typed) return std::nullopt;
    return refusal(403, "请求来自别的网站 / the request comes from another site");
}

void harden(http::Response& r) {
    auto add = [&r](const char* name, const char* value) {
        if (r.header(name).empty()) r.headers.emplace_back(name, value);
    };
    add("content-security-policy", "default-src 'none'; frame-ancestors 'none'");
    add("x-content-type-options", "nosniff");
    add("referrer-policy", "no-referrer");
    add("cross-origin-resource-policy", "same-origin");
    add("cross-origin-opener-policy", "same-origin");
    add("x-frame-options", "DENY");
    add("cache-control", "no-store");
}

std::string_view cookie(const http::Request& q, std::string_view name) {
    for (const auto& [key, value] : q.headers) {
        if (key != "cookie") continue;
        std::string_view rest = value;
        while (!rest.empty()) {
            const auto end = rest.find(';');
            auto pair = rest.substr(0, end);
            while (pair.starts_with(" ")) pair.remove_prefix(1);
            if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=')
                return pair.substr(name.size() + 1);
            rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
        }
    }
    return {};
}

}  // namespace taizhang::api
