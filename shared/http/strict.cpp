#include "http/strict.h"

#include <algorithm>
#include <vector>

namespace taizhang::http::strict {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }
bool is_token_char(char c) {
    return is_digit(c) || is_alpha(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

struct Field {
    std::string name;  ///< lower case
    std::string_view value;
};

/// `lines` begins after the first line and ends with the empty line's CRLF.
std::optional<Fault> split_fields(std::string_view lines, std::size_t headers_max, std::vector<Field>& fields) {
    while (lines != "\r\n") {
        const auto end = lines.find("\r\n");
        const auto line = lines.substr(0, end);
        lines.remove_prefix(end + 2);
        if (line.front() == ' ' || line.front() == '\t')
            return Fault{400, "头部不许折行 / folded header lines are not accepted"};
        const auto colon = line.find(':');
        if (colon == std::string_view::npos) return Fault{400, "头部行缺少冒号 / a header line has no colon"};
        const auto name = line.substr(0, colon);
        if (!is_token(name)) return Fault{400, "头部名称不对 / a header name is not valid"};
        if (fields.size() == headers_max) return Fault{431, "头部行太多 / too many headers"};
        fields.push_back(Field{lower(name), trim(line.substr(colon + 1))});
    }
    return std::nullopt;
}

/// A version other than ours is told apart from rubbish: the sender can do something about it.
std::optional<Fault> check_version(std::string_view version) {
    if (version == "HTTP/1.1") return std::nullopt;
    const bool shaped = version.size() == 8 && version.substr(0, 5) == "HTTP/" && is_digit(version[5]) &&
                        version[6] == '.' && is_digit(version[7]);
    if (shaped) return Fault{505, "只接受 HTTP/1.1 / only HTTP/1.1 is accepted"};
    return Fault{400, "第一行不是 HTTP / the first line is not HTTP"};
}

std::optional<Fault> check_whole(std::string_view head) {
    HeadScan scan;
    const auto state = scan.advance(head);
    if (state == HeadScan::State::malformed) return Fault{400, std::string(scan.why())};
    if (state == HeadScan::State::more || scan.size() != head.size())
        return Fault{400, "头部不完整 / the header block is not whole"};
    return std::nullopt;
}

/// "." or ".." between slashes, escaped or not: another path to whoever resolves it.
bool has_dot_segment(std::string_view path) {
    while (!path.empty()) {
        path.remove_prefix(1);  // the slash
        auto segment = path.substr(0, path.find('/'));
        path.remove_prefix(segment.size());
        std::size_t dots = 0;
        for (; !segment.empty(); ++dots) {
            const bool is_escaped = lower(segment.substr(0, 3)) == "%2e";
            if (!is_escaped && segment.front() != '.') break;
            segment.remove_prefix(is_escaped ? 3 : 1);
        }
        if (segment.empty() && (dots == 1 || dots == 2)) return true;
    }
    return false;
}

bool is_host(std::string_view host) {
    if (host.empty()) return false;
    return std::all_of(host.begin(), host.end(), [](char c) {
        return is_digit(c) || is_alpha(c) || std::string_view("-._~:[]").find(c) != std::string_view::npos;
    });
}

/// The two headers that say where a body ends, the same for both directions.
std::optional<Fault> read_framing(const std::vector<Field>& fields, Framing& framing) {
    for (const auto& field : fields) {
        if (field.name == "transfer-encoding")
            return Fault{501, "不接受 Transfer-Encoding / Transfer-Encoding is not accepted"};
    }
    for (const auto& field : fields) {
        if (field.name == "content-length") {
            if (framing.content_length) return Fault{400, "Content-Length 重复 / Content-Length is repeated"};
            if (field.value.empty() || !std::all_of(field.value.begin(), field.value.end(), is_digit))
                return Fault{400, "Content-Length 不是数字 / Content-Length is not a number"};
            // 18 digits always fit; more are too large for any limit of ours.
            if (field.value.size() > 18) return Fault{413, "正文太大 / the body is too large"};
            std::uint64_t length = 0;
            for (const char c : field.value) length = length * 10 + static_cast<std::uint64_t>(c - '0');
            framing.content_length = length;
        }
        if (field.name == "connection") {
            auto rest = field.value;
            while (!rest.empty()) {
                const auto comma = std::min(rest.find(','), rest.size());
                if (lower(trim(rest.substr(0, comma))) == "close") framing.close = true;
                rest.remove_prefix(std::min(comma + 1, rest.size()));
            }
        }
    }
    return std::nullopt;
}

}  // namespace

HeadScan::State HeadScan::refuse(std::string_view why) {
    why_ = why;
    return state_ = State::malformed;
}

HeadScan::State HeadScan::advance(std::string_view bytes) {
    while (state_ == State::more && at_ < bytes.size()) {
        const char c = bytes[at_++];
        if (after_cr_ && c != '\n') return refuse("头部有单独的 CR / a bare CR in the header");
        if (c == '\n') {
            if (!after_cr_) return refuse("头部有单独的 LF / a bare LF in the header");
            after_cr_ = false;
            if (line_bytes_ == 0 && at_ == 2) return refuse("第一行是空的 / the first line is empty");
            if (line_bytes_ == 0) state_ = State::complete;
            line_bytes_ = 0;
        } else if (c == '\r') {
            after_cr_ = true;
        } else if (is_control(c) && c != '\t') {
            return refuse("头部有控制字符 / a control character in the header");
        } else {
            ++line_bytes_;
        }
    }
    return state_;
}

std::optional<Fault> check_request(std::string_view head, std::size_t headers_max, std::uint64_t body_bytes_max,
                                   Framing& framing) {
    if (auto fault = check_whole(head)) return fault;
    const auto line_end = head.find("\r\n");
    const auto line = head.substr(0, line_end);
    const auto first = line.find(' '), last = line.rfind(' ');
    if (first == std::string_view::npos || first == last)
        return Fault{400, "第一行不是请求 / the first line is not a request"};
    const auto method = line.substr(0, first);
    if (!is_token(method)) return Fault{400, "方法名不对 / the method is not valid"};
    if (auto fault = check_version(line.substr(last + 1))) return fault;
    if (!is_target(line.substr(first + 1, last - first - 1)))
        return Fault{400, "目标要以 / 开头，且不含空格等字符 / the target must start with / and be plain ASCII"};

    std::vector<Field> fields;
    if (auto fault = split_fields(head.substr(line_end + 2), headers_max, fields)) return fault;
    Framing found;
    if (auto fault = read_framing(fields, found)) return fault;

    std::size_t hosts = 0;
    for (const auto& field : fields) {
        if (field.name == "host") {
            if (++hosts > 1) return Fault{400, "Host 重复 / Host is repeated"};
            if (!is_host(field.value)) return Fault{400, "Host 不对 / Host is not valid"};
        }
        if (field.name == "expect") {
            if (lower(field.value) != "100-continue")
                return Fault{417, "Expect 只认 100-continue / Expect knows 100-continue only"};
            found.expects_continue = true;
        }
    }
    if (hosts == 0) return Fault{400, "缺少 Host / Host is missing"};
    const bool upgrades = std::any_of(fields.begin(), fields.end(), [](const auto& f) { return f.name == "upgrade"; });
    if (upgrades && found.content_length.value_or(0) > 0)
        return Fault{400, "升级连接的请求不许有正文 / a request for an upgrade has no body"};
    const bool has_body = method == "POST" || method == "PUT" || method == "PATCH";
    if (has_body && !found.content_length) return Fault{411, "缺少 Content-Length / Content-Length is missing"};
    if (found.content_length.value_or(0) > body_bytes_max) return Fault{413, "正文太大 / the body is too large"};
    framing = found;
    return std::nullopt;
}

std::optional<Fault> check_response(std::string_view head, std::size_t headers_max, Framing& framing) {
    if (auto fault = check_whole(head)) return fault;
    const auto line_end = head.find("\r\n");
    const auto line = head.substr(0, line_end);
    // "HTTP/1.1 200 OK"; the reason may be empty, its space may not be missing.
    if (line.size() < 13 || line[8] != ' ' || line[12] != ' ')
        return Fault{400, "第一行不是应答 / the first line is not an answer"};
    if (auto fault = check_version(line.substr(0, 8))) return fault;
    const auto status = line.substr(9, 3);
    // Nothing asked for 1xx: we send neither Expect nor Upgrade.
    if (!std::all_of(status.begin(), status.end(), is_digit) || status[0] < '2' || status[0] > '5')
        return Fault{400, "状态码不对 / the status is not valid"};

    std::vector<Field> fields;
    if (auto fault = split_fields(head.substr(line_end + 2), headers_max, fields)) return fault;
    Framing found;
    if (auto fault = read_framing(fields, found)) return fault;
    framing = found;
    return std::nullopt;
}

bool is_token(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char); }

bool is_field_value(std::string_view text) {
    return text == trim(text) &&
           std::all_of(text.begin(), text.end(), [](char c) { return c == '\t' || !is_control(c); });
}

bool is_target(std::string_view text) {
    if (text.empty() || text.front() != '/') return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c <= ' ' || c > '~' || std::string_view("\"#<>\\").find(c) != std::string_view::npos) return false;
        // A broken escape is refused here, so that no handler has to decide what it means; a NUL would end the text
        // for some and not for others.
        if (c == '%' && !(i + 2 < text.size() && is_hex(text[i + 1]) && is_hex(text[i + 2]))) return false;
        if (c == '%' && text.substr(i + 1, 2) == "00") return false;
    }
    return !has_dot_segment(text.substr(0, text.find('?')));
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

}  // namespace taizhang::http::strict
