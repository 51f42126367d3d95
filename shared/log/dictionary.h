// dictionary.h - zstd with the project's own dictionaries: what ledger text mostly says, known beforehand.
//
// A day's work is a few hundred bytes, too few to learn from. Dictionaries are files
// of schema/dictionary, numbered for ever: new ones are added, old ones stay readable.
// They are made by tools/train-dictionary.
//
// A frame here has no magic number and no checksum, and says its size. Threads: any,
// an object belongs to one thread.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace taizhang {

/// The dictionary that new frames are made with.
inline constexpr std::uint8_t kDictionary = 1;
/// Empty: not known to this program.
std::string_view dictionary(std::uint8_t number);

class DictionaryCodec {
public:
    DictionaryCodec();
    ~DictionaryCodec();
    DictionaryCodec(const DictionaryCodec&) = delete;
    DictionaryCodec& operator=(const DictionaryCodec&) = delete;

    /// Appends a frame with kDictionary; the higher the level, the smaller and slower. False: nothing was appended.
    bool compress(std::string_view bytes, int level, std::string& out);
    /// False: no such dictionary, damaged, of unknown size or larger than `bytes_max`, for which nothing is allocated.
    bool decompress(std::uint8_t dictionary, std::string_view frame, std::size_t bytes_max, std::string& out);

private:
    void* compress_;
    void* decompress_;
    std::string frame_;
};

}  // namespace taizhang
