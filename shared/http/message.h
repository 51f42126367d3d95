// message.h - our Request and Response to and from header bytes. Inside shared/http only.
//
// Reading goes through Beast after strict.h has agreed: two parsers have to accept a header.
// Writing is ours: the fewest headers, because a sync with nothing to say is mostly headers.
#pragma once

#include "http/http.h"

#include <optional>
#include <string>
#include <string_view>

namespace taizhang::http {

/// Beast keeps offsets into a header block in 16 bits.
constexpr std::size_t kHeaderBytesCeiling = 60 * 1024;

/// Empty when Beast does not take what strict.h took. The body is left empty.
std::optional<Request> request_from(std::string_view head);
std::optional<Response> response_from(std::string_view head);

/// Errc::usage when method, target or headers cannot be sent.
Result<std::string> request_head(const Request& request, std::string_view host);
/// Errc::internal when a handler's answer cannot be sent (a line break in a header, …).
Result<std::string> response_head(const Response& response, bool close);

bool has_no_body(int status);

}  // namespace taizhang::http
