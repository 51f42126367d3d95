// result.h - errors are values: one code for programs, one clear line for people.
//
// Every expected outcome (bad input, no link, full disk, somebody else's file)
// comes back as a Result. Exceptions are left for broken invariants and are
// caught in three places only: a served request, the sync loop, and main.
#pragma once

#include <boost/system/result.hpp>

#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace taizhang {

enum class Errc {
    usage,         ///< the command or the request is wrong; exit status 2
    bad_input,     ///< data that we were given is wrong; exit status 2
    not_found,     ///< an id, field or entity that does not exist here; exit status 2
    not_allowed,   ///< known, but this node or this state may not; exit status 2
    busy,          ///< another process holds the data
    offline,       ///< the other side cannot be reached; retry later
    protocol,      ///< the other side said something that makes no sense
    denied,        ///< the other side refuses us
    disk_full,     ///< nothing was written
    io,            ///< disk trouble; the node stops until it is reopened and verified
    foreign_data,  ///< a database or file that is not ours, or of a newer version
    corrupt,       ///< a hash does not fit: never served, never sent
    internal,      ///< a broken invariant
};

struct Error {
    Errc code = Errc::internal;
    std::string detail;  ///< one line: what is wrong, where, what to do
};

template <class T = void>
using Result = boost::system::result<T, Error>;

/// What boost::system::result throws when a caller asks for a value that is not there.
[[noreturn]] inline void throw_exception_from_error(const Error& e, const boost::source_location&) {
    throw std::runtime_error(e.detail);
}

inline Error fail(Errc code, std::string detail) { return Error{code, std::move(detail)}; }

/// The one place that maps an error to a process exit status.
constexpr int exit_status(Errc code) {
    switch (code) {
        case Errc::usage:
        case Errc::bad_input:
        case Errc::not_found:
        case Errc::not_allowed: return 2;
        default: return 1;
    }
}

/// Whether trying again later can help without anybody changing anything.
constexpr bool is_retryable(Errc code) { return code == Errc::offline || code == Errc::busy; }

std::string_view name_of(Errc code);

}  // namespace taizhang

// Propagates an error: `TRY(auto x, f());` or `TRY_VOID(g());`. Counted names, so that they nest.
#define TZ_CONCAT_(a, b) a##b
#define TZ_CONCAT(a, b) TZ_CONCAT_(a, b)
#define TZ_TRY_(tmp, decl, ...)              \
    auto tmp = (__VA_ARGS__);                \
    if (!tmp) return std::move(tmp).error(); \
    decl = std::move(*tmp)
#define TZ_TRY_VOID_(tmp, ...) \
    if (auto tmp = (__VA_ARGS__); !tmp) return std::move(tmp).error()
#define TRY(decl, ...) TZ_TRY_(TZ_CONCAT(try_, __COUNTER__), decl, __VA_ARGS__)
#define TRY_VOID(...) TZ_TRY_VOID_(TZ_CONCAT(try_, __COUNTER__), __VA_ARGS__)
