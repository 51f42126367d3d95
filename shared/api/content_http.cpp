#include "api/content_http.h"

#include "api/attachments.h"

#include <boost/json.hpp>

#include <array>

namespace taizhang::api {

namespace json = boost::json;

namespace {

constexpr std::size_t kContentPieceBytes = 1u << 20;
constexpr std::string_view kDownload = "/api/content/", kUpload = "/api/attach/";

/// Only what a browser may show by itself; anything else is saved, never run.
std::string type_of(std::string_view name) {
    struct Known {
        std::string_view ending, type;
    };
    static constexpr std::array<Known, 6> known = {{{".jpg", "image/jpeg"},
                                                    {".jpeg", "image/jpeg"},
                                                    {".png", "image/png"},
                                                    {".gif", "image/gif"},
                                                    {".webp", "image/webp"},
                                                    {".pdf", "application/pdf"}}};
    for (const auto& k : known)
        if (name.ends_with(k.ending)) return std::string(k.type);
    return "application/octet-stream";
}

/// RFC 5987: letters and digits as they are, everything else by its bytes.
std::string percent_encoded(std::string_view name) {
    std::string out;
    for (const char c : name) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
                           c == '-' || c == '_';
        out += plain ? std::string(1, c) : "%" + to_hex(std::string_view(&c, 1));
    }
    return out;
}

}  // namespace

bool is_content_download(const http::Request& q) { return q.method == "GET" && q.target.starts_with(kDownload); }

bool is_content_upload(const http::Request& q) {
    return q.method == "POST" && q.target.starts_with(kUpload) &&
           q.header("content-type").starts_with("application/octet-stream");
}

Result<http::Response> download_content(node::Node& n, const std::string& hex) {
    const auto hash = files::parse_hash(hex);
    if (!hash) return fail(Errc::usage, "不是内容校验值 / not a content hash: " + hex.substr(0, 80));
    TRY(const auto refs, n.contents().index().references(*hash));
    if (refs.empty()) return fail(Errc::not_found, "本机没有这个附件的记录 / no record here names this content");
    http::Response r;
    for (;;) {
        TRY(const auto piece, n.contents().read(*hash, r.body.size(), kContentPieceBytes));
        r.body += piece;
        if (piece.size() < kContentPieceBytes) break;
    }
    r.content_type = type_of(refs.front().name);
    const bool shown = r.content_type != "application/octet-stream";
    r.headers = {{"content-disposition", std::string(shown ? "inline" : "attachment") + "; filename*=UTF-8''" +
                                             percent_encoded(refs.front().name)},
                 {"x-content-type-options", "nosniff"},
                 {"content-security-policy", "default-src 'none'; sandbox"},
                 {"cache-control", "no-store"}};
    return r;
}

Result<json::value> upload_content(node::Node& n, const Command& c, const std::string& bytes) {
    if (c.args.size() != 1 || c.option("name").empty())
        return fail(Errc::usage, "用法:POST /api/attach/编号?name=文件名 / usage: POST /api/attach/ID?name=FILE");
    return attach_from(n, c, [&bytes](std::uint64_t offset, std::size_t size) -> Result<std::string> {
        return offset >= bytes.size() ? std::string() : bytes.substr(offset, size);
    });
}

}  // namespace taizhang::api
