#include "api/address.h"

#include "base/bytes.h"

namespace taizhang::api {
namespace {

std::string percent_decoded(std::string_view s) {
    std::string out;
    for (std::size_t i = 0; i < s.size(); ++i) {
        if (s[i] == '%' && i + 2 < s.size()) {
            const auto raw = from_hex(s.substr(i + 1, 2));
            if (raw.size() == 1) {
                out += raw;
                i += 2;
                continue;
            }
        }
        out.push_back(s[i] == '+' ? ' ' : s[i]);
    }
    return out;
}

}  // namespace

void read_target(std::string_view target, Command& c) {
    constexpr std::string_view kPrefix = "/api/";
    if (!target.starts_with(kPrefix)) return;
    auto path = target.substr(kPrefix.size());
    const auto mark = path.find('?');
    std::string_view query = mark == std::string_view::npos ? std::string_view() : path.substr(mark + 1);
    path = path.substr(0, mark);
    bool first = true;
    while (!path.empty()) {
        const auto slash = path.find('/');
        const auto part = percent_decoded(path.substr(0, slash));
        if (first)
            c.name = part;
        else if (!part.empty())
            c.args.push_back(part);
        first = false;
        path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
    }
    while (!query.empty()) {
        const auto amp = query.find('&');
        const auto pair = query.substr(0, amp);
        const auto eq = pair.find('=');
        if (!pair.empty())
            c.options[percent_decoded(pair.substr(0, eq))] =
                eq == std::string_view::npos ? "1" : percent_decoded(pair.substr(eq + 1));
        query = amp == std::string_view::npos ? std::string_view() : query.substr(amp + 1);
    }
}

}  // namespace taizhang::api
