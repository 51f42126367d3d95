#include "log/dictionary.h"

#include <zstd.h>

#include <array>
#include <map>
#include <memory>
#include <mutex>

extern "C" {
extern const char taizhang_dictionary_1[];
extern const char taizhang_dictionary_1_end[];
}

namespace taizhang {
namespace {

constexpr std::string_view kMagic("\x28\xb5\x2f\xfd", 4);  // of a zstd frame; says nothing here

struct FreeCompress {
    void operator()(ZSTD_CDict* d) const { ZSTD_freeCDict(d); }
};
struct FreeDecompress {
    void operator()(ZSTD_DDict* d) const { ZSTD_freeDDict(d); }
};

/// Digested once for the whole program, then only read.
const ZSTD_CDict* compressing(int level) {
    static std::mutex guard;
    static std::map<int, std::unique_ptr<ZSTD_CDict, FreeCompress>> made;
    const std::scoped_lock lock(guard);
    auto& d = made[level];
    const auto bytes = dictionary(kDictionary);
    if (!d) d.reset(ZSTD_createCDict(bytes.data(), bytes.size(), level));
    return d.get();
}

const ZSTD_DDict* decompressing(std::uint8_t number) {
    static std::mutex guard;
    static std::map<std::uint8_t, std::unique_ptr<ZSTD_DDict, FreeDecompress>> made;
    const auto bytes = dictionary(number);
    if (bytes.empty()) return nullptr;
    const std::scoped_lock lock(guard);
    auto& d = made[number];
    if (!d) d.reset(ZSTD_createDDict(bytes.data(), bytes.size()));
    return d.get();
}

}  // namespace

std::string_view dictionary(std::uint8_t number) {
    if (number != 1) return {};
    return {taizhang_dictionary_1, static_cast<std::size_t>(taizhang_dictionary_1_end - taizhang_dictionary_1)};
}

DictionaryCodec::DictionaryCodec() : compress_(nullptr), decompress_(nullptr) {}
DictionaryCodec::~DictionaryCodec() {
    ZSTD_freeCCtx(static_cast<ZSTD_CCtx*>(compress_));
    ZSTD_freeDCtx(static_cast<ZSTD_DCtx*>(decompress_));
}

bool DictionaryCodec::compress(std::string_view bytes, int level, std::string& out) {
    if (!compress_) {
        auto* made = ZSTD_createCCtx();
        // The envelope says which dictionary it is.
        ZSTD_CCtx_setParameter(made, ZSTD_c_dictIDFlag, 0);
        compress_ = made;
    }
    auto* context = static_cast<ZSTD_CCtx*>(compress_);
    const auto* dictionary = compressing(level);
    if (!dictionary || ZSTD_isError(ZSTD_CCtx_refCDict(context, dictionary))) return false;
    frame_.resize(ZSTD_compressBound(bytes.size()));
    const auto n = ZSTD_compress2(context, frame_.data(), frame_.size(), bytes.data(), bytes.size());
    if (ZSTD_isError(n) || !frame_.starts_with(kMagic)) return false;
    out.append(frame_, kMagic.size(), n - kMagic.size());
    return true;
}

bool DictionaryCodec::decompress(std::uint8_t number, std::string_view frame, std::size_t bytes_max, std::string& out) {
    out.clear();
    const auto* dictionary = decompressing(number);
    if (!dictionary) return false;
    if (!decompress_) decompress_ = ZSTD_createDCtx();
    frame_ = kMagic;
    frame_ += frame;
    const auto size = ZSTD_getFrameContentSize(frame_.data(), frame_.size());
    if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR || size > bytes_max) return false;
    if (ZSTD_findFrameCompressedSize(frame_.data(), frame_.size()) != frame_.size()) return false;  // nothing behind it
    out.resize(size);
    const auto n = ZSTD_decompress_usingDDict(static_cast<ZSTD_DCtx*>(decompress_), out.data(), out.size(),
                                              frame_.data(), frame_.size(), dictionary);
    if (!ZSTD_isError(n) && n == size) return true;
    out.clear();
    return false;
}

}  // namespace taizhang
