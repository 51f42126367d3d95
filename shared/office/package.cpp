#include "office/package.h"

#include <zip.h>

#include <algorithm>
#include <map>

namespace taizhang::office {
namespace {

constexpr std::size_t kSmallPart = 1u << 20;  // a small part may be as repetitive as it likes

Error damaged(const std::string& what) {
    return fail(Errc::bad_input, "不是完好的 Office 文件(" + what + "),请重新保存为 xlsx / not a sound Office file (" +
                                     what + "): save it as xlsx again");
}

Error too_large(const std::string& what) {
    return fail(Errc::bad_input, "文件解压后过大,疑似压缩炸弹,没有读取:" + what +
                                     " / unpacks to too much, like a zip bomb; it was not read: " + what);
}

}  // namespace

struct Package::Impl {
    std::string bytes;
    PackageLimits limits;
    zip_t* zip = nullptr;
    std::map<std::string, zip_uint64_t> index;
    std::size_t unpacked = 0;

    ~Impl() {
        if (zip) zip_discard(zip);
    }
};

Package::Package(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Package::Package(Package&&) noexcept = default;
Package& Package::operator=(Package&&) noexcept = default;
Package::~Package() = default;

Result<Package> Package::open(std::string bytes, const PackageLimits& limits) {
    if (bytes.size() > limits.file_bytes_max) return too_large(std::to_string(bytes.size() >> 20) + " MB");
    if (!bytes.starts_with("PK")) return damaged("zip");
    auto m = std::make_unique<Impl>();
    m->bytes = std::move(bytes);
    m->limits = limits;
    zip_error_t error;
    zip_error_init(&error);
    auto* source = zip_source_buffer_create(m->bytes.data(), m->bytes.size(), 0, &error);
    if (source) m->zip = zip_open_from_source(source, ZIP_RDONLY, &error);
    zip_error_fini(&error);
    if (!m->zip) {
        if (source) zip_source_free(source);
        return damaged("zip");
    }
    const auto count = zip_get_num_entries(m->zip, 0);
    if (count < 0 || static_cast<std::size_t>(count) > limits.entries_max)
        return too_large(std::to_string(count) + " entries");
    std::size_t total = 0;
    for (zip_uint64_t i = 0; i < static_cast<zip_uint64_t>(count); ++i) {
        zip_stat_t s;
        if (zip_stat_index(m->zip, i, 0, &s) != 0 || !(s.valid & ZIP_STAT_NAME) || !(s.valid & ZIP_STAT_SIZE))
            return damaged("zip");
        if ((s.valid & ZIP_STAT_ENCRYPTION_METHOD) && s.encryption_method != ZIP_EM_NONE) return damaged("password");
        const auto packed = std::max<zip_uint64_t>(1, s.comp_size);
        total += std::min<zip_uint64_t>(s.size, limits.total_bytes_max + 1);
        if (s.size > limits.entry_bytes_max || total > limits.total_bytes_max ||
            (s.size > kSmallPart && s.size / packed > limits.ratio_max))
            return too_large(s.name);
        // Two parts of one name: whoever shows one and reads the other was fooled.
        if (!m->index.emplace(s.name, i).second) return damaged(s.name);
    }
    return Package(std::move(m));
}

bool Package::has(const std::string& name) const { return impl_->index.contains(name); }

std::vector<std::string> Package::names() const {
    std::vector<std::string> out;
    for (const auto& [name, i] : impl_->index) out.push_back(name);
    return out;
}

Result<std::string> Package::read(const std::string& name) {
    const auto it = impl_->index.find(name);
    if (it == impl_->index.end()) return damaged(name);
    auto* file = zip_fopen_index(impl_->zip, it->second, 0);
    if (!file) return damaged(name);
    // What the directory said of the size is only what it said.
    std::string out, chunk(1u << 16, '\0');
    zip_int64_t n = 0;
    bool fits = true;
    while ((n = zip_fread(file, chunk.data(), chunk.size())) > 0) {
        out.append(chunk, 0, static_cast<std::size_t>(n));
        impl_->unpacked += static_cast<std::size_t>(n);
        fits = out.size() <= impl_->limits.entry_bytes_max && impl_->unpacked <= impl_->limits.total_bytes_max;
        if (!fits) break;
    }
    const bool closed = zip_fclose(file) == 0;
    if (!fits) return too_large(name);
    if (n < 0 || !closed) return damaged(name);
    return out;
}

Result<std::string> make_package(const std::vector<std::pair<std::string, std::string>>& parts) {
    constexpr std::time_t kFixedTime = 1'735'689'600;  // 2025-01-01: the same parts, the same bytes
    zip_error_t error;
    zip_error_init(&error);
    auto* target = zip_source_buffer_create(nullptr, 0, 0, &error);
    if (!target) return fail(Errc::internal, "zip: no buffer");
    zip_source_keep(target);
    auto* zip = zip_open_from_source(target, ZIP_TRUNCATE, &error);
    bool ok = zip != nullptr;
    for (const auto& [name, text] : parts) {
        if (!ok) break;
        auto* part = zip_source_buffer(zip, text.data(), text.size(), 0);
        const auto at = part ? zip_file_add(zip, name.c_str(), part, ZIP_FL_ENC_UTF_8) : -1;
        if (part && at < 0) zip_source_free(part);
        ok = at >= 0 && zip_file_set_mtime(zip, static_cast<zip_uint64_t>(at), kFixedTime, 0) == 0;
    }
    if (zip && (!ok || zip_close(zip) != 0)) {
        zip_discard(zip);
        ok = false;
    }
    std::string out;
    if (ok && zip_source_open(target) == 0) {
        std::string chunk(1u << 16, '\0');
        for (zip_int64_t n; (n = zip_source_read(target, chunk.data(), chunk.size())) > 0;)
            out.append(chunk, 0, static_cast<std::size_t>(n));
        zip_source_close(target);
    }
    zip_source_free(target);
    zip_error_fini(&error);
    if (out.empty()) return fail(Errc::internal, "zip: cannot write");
    return out;
}

std::string xml_escaped(std::string_view text) {
    std::string out;
    out.reserve(text.size() + text.size() / 8);
    for (const char c : text) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            default:
                if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t') out.push_back(c);
        }
    }
    return out;
}

}  // namespace taizhang::office
