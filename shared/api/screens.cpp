#include "api/screens.h"

#include <charconv>
#include <map>
#include <string>

extern "C" {
extern const char taizhang_screens_begin[];
extern const char taizhang_screens_end[];
}

namespace taizhang::api {

namespace {

struct File {
    std::string_view type, etag, bytes;
};
using Files = std::map<std::string_view, File, std::less<>>;

/// Cuts what stands before `mark`; both without it.
std::string_view cut(std::string_view& from, char mark) {
    const auto at = from.find(mark);
    const auto head = from.substr(0, at);
    from.remove_prefix(at == std::string_view::npos ? from.size() : at + 1);
    return head;
}

Files read_archive(std::string_view archive) {
    Files files;
    if (cut(archive, '\n') != "TZSCREENS 1") return files;
    std::vector<std::pair<std::string_view, std::size_t>> sizes;
    for (;;) {
        auto line = cut(archive, '\n');
        if (line.empty()) break;
        const auto path = cut(line, '\t');
        File f{cut(line, '\t'), cut(line, '\t'), {}};
        std::size_t bytes = 0;
        const auto [end, ec] = std::from_chars(line.data(), line.data() + line.size(), bytes);
        if (ec != std::errc{} || end != line.data() + line.size()) return {};
        files[path] = f;
        sizes.emplace_back(path, bytes);
    }
    for (const auto& [path, bytes] : sizes) {
        if (bytes > archive.size()) return {};
        files[path].bytes = archive.substr(0, bytes);
        archive.remove_prefix(bytes);
    }
    return files;
}

/// Nothing but what came with the program, and no other page around it. Vue and ECharts set styles through the
/// document's objects, which needs no exception here.
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

std::optional<http::Response> answer(const Files& files, const http::Request& q) {
    const auto path = std::string_view(q.target).substr(0, q.target.find('?'));
    const auto it = files.find(path == "/" ? std::string_view("/index.html") : path);
    if (it == files.end()) return std::nullopt;
    const auto& f = it->second;
    http::Response r;
    if (q.method != "GET") {
        r.status = 405;
        r.content_type = "text/plain; charset=utf-8";
        r.body = "只接受 GET / GET only\n";
        return r;
    }
    const bool is_index = it->first == "/index.html";
    // The other names carry a hash of their content: the same name is the same bytes for ever.
    r.headers = {{"cache-control", is_index ? "no-store" : "public, max-age=31536000, immutable"},
                 {"content-security-policy", kPolicy},
                 {"x-content-type-options", "nosniff"},
                 {"referrer-policy", "no-referrer"}};
    if (!is_index) {
        r.headers.emplace_back("etag", std::string(f.etag));
        if (q.header("if-none-match") == f.etag) {
            r.status = 304;
            return r;
        }
    }
    r.content_type = std::string(f.type);
    r.headers.emplace_back("content-encoding", "gzip");
    r.body = std::string(f.bytes);
    return r;
}

}  // namespace

std::optional<http::Response> screen_from(std::string_view archive, const http::Request& request) {
    return answer(read_archive(archive), request);
}

std::optional<http::Response> screen(const http::Request& request) {
    static const Files files =
        read_archive({taizhang_screens_begin, static_cast<std::size_t>(taizhang_screens_end - taizhang_screens_begin)});
    return answer(files, request);
}

}  // namespace taizhang::api
