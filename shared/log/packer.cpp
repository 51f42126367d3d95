#include "log/commit.h"

#include <zstd.h>

#include <new>

namespace taizhang {
namespace {
// Level 1 keeps an edit cheap on an old PC. Its matches begin at 5 bytes instead of 6 or 7: two Chinese characters are
// six bytes, and the last of one with all of the next are five. With the larger table a commit of a hundred rows is an
// eighth smaller in less time than level 1 as it comes; level 3 saves nothing more and costs twice the time.
constexpr int kLevel = 1, kMatchMin = 5, kHashLog = 15;
}  // namespace

Packer::~Packer() {
    ZSTD_freeCCtx(static_cast<ZSTD_CCtx*>(compress_));
    ZSTD_freeDCtx(static_cast<ZSTD_DCtx*>(decompress_));
}

void* Packer::compressor() {
    if (compress_) return compress_;
    auto* const context = ZSTD_createCCtx();
    if (!context) throw std::bad_alloc();
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, kLevel);
    ZSTD_CCtx_setParameter(context, ZSTD_c_minMatch, kMatchMin);
    ZSTD_CCtx_setParameter(context, ZSTD_c_hashLog, kHashLog);
    ZSTD_CCtx_setParameter(context, ZSTD_c_strategy, ZSTD_fast);
    return compress_ = context;
}

void* Packer::decompressor() {
    if (decompress_) return decompress_;
    auto* const context = ZSTD_createDCtx();
    if (!context) throw std::bad_alloc();
    ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, 22);
    return decompress_ = context;
}

void Packer::pack(std::string_view bytes, std::string& out) {
    if (bytes.size() >= kPackMin) {
        out.resize(1 + ZSTD_compressBound(bytes.size()));
        const auto n = ZSTD_compress2(static_cast<ZSTD_CCtx*>(compressor()), out.data() + 1, out.size() - 1,
                                      bytes.data(), bytes.size());
        if (!ZSTD_isError(n) && n < bytes.size()) {
            out[0] = kZstd;
            out.resize(1 + n);
            return;
        }
    }
    out.assign(1, kRaw);
    out.append(bytes);
}

Result<> Packer::unpack(std::string_view packed, std::string& out) {
    if (packed.empty()) return fail(Errc::protocol, "提交为空 / commit: empty");
    const auto body = packed.substr(1);
    if (packed[0] == kRaw) {
        if (body.size() > kCommitBytesMax) return fail(Errc::protocol, "提交超过 2 MiB / commit: larger than 2 MiB");
        out.assign(body);
        return {};
    }
    if (packed[0] != kZstd) return fail(Errc::protocol, "提交的压缩方式无法识别 / commit: unknown packing");
    // The declared size is capped before a byte is allocated for it.
    const auto size = ZSTD_getFrameContentSize(body.data(), body.size());
    if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR || size > kCommitBytesMax)
        return fail(Errc::protocol, "提交大小不明或超过 2 MiB / commit: packed size unknown or above 2 MiB");
    out.resize(size);
    const auto n =
        ZSTD_decompressDCtx(static_cast<ZSTD_DCtx*>(decompressor()), out.data(), out.size(), body.data(), body.size());
    if (ZSTD_isError(n) || n != size)
        return fail(Errc::protocol, "提交的压缩数据已损坏 / commit: packed bytes are damaged");
    return {};
}

}  // namespace taizhang
