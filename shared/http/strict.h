// strict.h - our own checks of a raw header block, made before Beast sees it.
//
// Two programs that read one message differently can be played against each other
// (request smuggling), so whatever leaves room for a second reading is refused here:
// what Beast 1.81 lets through is listed in http.h. Pure functions over bytes; they know
// no socket and stand on their own for fuzzing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace taizhang::http::strict {

/// Why a message is refused: the status to answer with and one line for people.
struct Fault {
    int status = 400;
    std::string line;
};

/// What the header says about where its message ends and what follows.
struct Framing {
    std::optional<std::uint64_t> content_length;
    bool close = false;             ///< "Connection: close"
    bool expects_continue = false;  ///< the sender waits for "100 Continue" before its body
};

/// Looks for the empty line that ends a header block while bytes still arrive. Refuses at the
/// first byte that cannot stand in a header, so that nobody waits for an end that will not come.
class HeadScan {
public:
    enum class State { more, complete, malformed };

    /// `bytes` is everything received so far, with what earlier calls saw at its beginning.
    State advance(std::string_view bytes);
    /// Bytes of the block with its empty line; only after `complete`.
    std::size_t size() const { return at_; }
    /// Only after `malformed`.
    std::string_view why() const { return why_; }

private:
    State refuse(std::string_view why);

    State state_ = State::more;
    std::size_t at_ = 0;
    std::size_t line_bytes_ = 0;
    bool after_cr_ = false;
    std::string_view why_;
};

/// `head` is a whole block with its empty line. Fills `framing` when nothing is wrong.
std::optional<Fault> check_request(std::string_view head, std::size_t headers_max, std::uint64_t body_bytes_max,
                                   Framing& framing);
std::optional<Fault> check_response(std::string_view head, std::size_t headers_max, Framing& framing);

// For messages that we send: nothing that could end a line early gets out.
bool is_token(std::string_view text);
bool is_field_value(std::string_view text);
bool is_target(std::string_view text);

std::string lower(std::string_view text);

}  // namespace taizhang::http::strict
