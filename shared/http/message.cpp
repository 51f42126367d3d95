#include "http/message.h"

#include "http/strict.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

namespace taizhang::http {

namespace {

namespace beast = boost::beast;

std::string text(beast::string_view view) { return std::string(view.data(), view.size()); }

/// Feeds exactly one header block; false when Beast wants something else.
template <class Parser>
bool parse_head(Parser& parser, std::string_view head) {
    parser.header_limit(static_cast<std::uint32_t>(head.size() + 1));
    parser.body_limit(boost::none);  // strict.h has judged the length already
    beast::error_code ec;
    const auto used = parser.put(net::buffer(head.data(), head.size()), ec);
    return !ec && used == head.size() && parser.is_header_done();
}

template <class Message>
Headers headers_of(const Message& message) {
    Headers headers;
    for (const auto& field : message.base())
        headers.emplace_back(strict::lower(text(field.name_string())), text(field.value()));
    return headers;
}

/// Framing is ours to say; a second opinion in `headers` would make the message ambiguous.
bool is_framing(std::string_view name) { return name == "content-length" || name == "transfer-encoding"; }

std::string_view reason(int status) {
    switch (status) {
        case 200: return "OK";
        case 201: return "Created";
        case 202: return "Accepted";
        case 204: return "No Content";
        case 302: return "Found";
        case 303: return "See Other";
        case 304: return "Not Modified";
        case 400: return "Bad Request";
        case 401: return "Unauthorized";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 408: return "Request Timeout";
        case 409: return "Conflict";
        case 411: return "Length Required";
        case 413: return "Content Too Large";
        case 415: return "Unsupported Media Type";
        case 417: return "Expectation Failed";
        case 422: return "Unprocessable Content";
        case 429: return "Too Many Requests";
        case 431: return "Request Header Fields Too Large";
        case 500: return "Internal Server Error";
        case 501: return "Not Implemented";
        case 502: return "Bad Gateway";
        case 503: return "Service Unavailable";
        case 504: return "Gateway Timeout";
        case 505: return "HTTP Version Not Supported";
        case 507: return "Insufficient Storage";
        default: return "";  // the reason may be empty
    }
}

void add(std::string& head, std::string_view name, std::string_view value) {
    head.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

bool has_no_body(int status) { return status == 204 || status == 304; }

std::optional<Request> request_from(std::string_view head) {
    beast::http::request_parser<beast::http::empty_body> parser;
    if (!parse_head(parser, head)) return std::nullopt;
    const auto& message = parser.get();
    Request request;
    request.method = text(message.method_string());
    request.target = text(message.target());
    request.headers = headers_of(message);
    return request;
}

std::optional<Response> response_from(std::string_view head) {
    beast::http::response_parser<beast::http::empty_body> parser;
    parser.skip(true);
    if (!parse_head(parser, head)) return std::nullopt;
    const auto& message = parser.get();
    Response response;
    response.status = static_cast<int>(message.result_int());
    response.content_type.clear();
    for (auto& [name, value] : headers_of(message)) {
        if (name == "content-type")
            response.content_type = std::move(value);
        else if (!is_framing(name) && name != "connection")
            response.headers.emplace_back(std::move(name), std::move(value));
    }
    return response;
}

Result<std::string> request_head(const Request& request, std::string_view host) {
    if (!strict::is_token(request.method) || !strict::is_target(request.target))
        return fail(Errc::usage, "请求的方法或目标不对 / the request's method or target is not valid");
    std::string head = request.method + ' ' + request.target + " HTTP/1.1\r\n";
    if (request.header("host").empty()) add(head, "Host", host);
    for (const auto& [name, value] : request.headers) {
        if (!strict::is_token(name) || !strict::is_field_value(value) || is_framing(strict::lower(name)))
            return fail(Errc::usage, "不能发送头部 " + name + " / this header cannot be sent: " + name);
        add(head, name, value);
    }
    const bool has_body = request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
    if (has_body || !request.body.empty()) add(head, "Content-Length", std::to_string(request.body.size()));
    head.append("\r\n");
    return head;
}

Result<std::string> response_head(const Response& response, bool close) {
    if (response.status < 200 || response.status > 599)
        return fail(Errc::internal,
                    "应答的状态码不对 / the answer's status is not valid: " + std::to_string(response.status));
    if (has_no_body(response.status) && !response.body.empty())
        return fail(Errc::internal, "该状态不能带正文 / this status has no body: " + std::to_string(response.status));
    std::string head = "HTTP/1.1 " + std::to_string(response.status) + ' ';
    head.append(reason(response.status)).append("\r\n");
    // 204 must not carry a length, 304's would speak of another answer (RFC 9110, 8.6).
    if (!has_no_body(response.status)) add(head, "Content-Length", std::to_string(response.body.size()));
    if (!response.content_type.empty() && !response.body.empty()) {
        if (!strict::is_field_value(response.content_type))
            return fail(Errc::internal, "应答的类型不对 / the answer's content type is not valid");
        add(head, "Content-Type", response.content_type);
    }
    for (const auto& [name, value] : response.headers) {
        const auto known = strict::lower(name);
        if (!strict::is_token(name) || !strict::is_field_value(value) || is_framing(known) || known == "connection")
            return fail(Errc::internal, "应答的头部不对 / the answer's header is not valid: " + known);
        add(head, name, value);
    }
    if (close) add(head, "Connection", "close");
    head.append("\r\n");
    return head;
}

}  // namespace taizhang::http
