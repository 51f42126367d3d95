// gate.h - what a browser may be made to send here by somebody else, and is refused.
//
// Pure functions over a request, asked before anything else looks at it:
//   the Host has to be one of this server's own names, on every request (DNS rebinding: a page of another site whose
//   name suddenly means this PC says its own name);
//   what devices use (/sync, /enrol, /files, /live) is for programs: a request that shows a browser is refused, so no
//   page can reach it with anything that the browser adds by itself;
//   screens and API refuse what comes from another site (Sec-Fetch-Site, Origin). There are no CORS headers at all.
// Threads: any. Design: docs/TRUST.md, "In the browser".
#pragma once

#include "http/http.h"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace taizhang::api {

/// The names that this server goes by.
class Hosts {
public:
    /// `listen` is ADDRESS:PORT as it was given, `port` the one it got, `more` what the operator adds: NAME or
    /// NAME:PORT.
    Hosts(const std::string& listen, std::uint16_t port, bool is_secure, const std::vector<std::string>& more);

    /// For screens and API: name and port, exactly.
    bool has(std::string_view host) const { return exact_.contains(lower(host)); }
    /// For devices: one of the names at any port (a forwarded one), or an address in digits, which nobody can rebind.
    bool fits_device(std::string_view host) const;
    bool has_origin(std::string_view origin) const;
    /// What `serve --host` has to say so that this Host is one of them: NAME, or NAME:PORT where the port is another's.
    std::string option_for(std::string_view host) const;
    /// What a device may be told to type, the likeliest first: names that the operator gave, then addresses in digits.
    /// With the scheme where it is not https.
    std::vector<std::string> addresses() const;

private:
    static std::string lower(std::string_view s);
    void add(std::string host, std::uint16_t port);
    std::set<std::string> exact_, names_;
    std::vector<std::string> told_;  ///< HOST:PORT
    bool is_secure_;
    std::uint16_t port_;
};

enum class Place : std::uint8_t { device, screen, api };

/// The answer, if the request is refused.
std::optional<http::Response> refuse(const Hosts& hosts, Place place, const http::Request& q);

/// What every answer to a browser says besides.
void harden(http::Response& r);

/// A cookie's value; empty without.
std::string_view cookie(const http::Request& q, std::string_view name);

}  // namespace taizhang::api
