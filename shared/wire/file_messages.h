// file_messages.h - what travels between a device and its hub about contents: photos and documents.
//
// Contents follow the rows that name them, in messages of their own, so that the sync
// of rows never waits for a photo. As bounded as messages.h. Layout: schema/PROTOCOL.md,
// "Contents". Threads: any.
#pragma once

#include "base/ids.h"
#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace taizhang::wire {

inline constexpr std::uint32_t kFileVersion = 1;

/// A stretch of one content, in a message or in a bundle.
struct ContentRange {
    Hash content;
    std::uint64_t size = 0;    ///< of the whole content
    std::uint64_t offset = 0;  ///< where `bytes` begin
    std::uint64_t check = 0;   ///< range_check(bytes): a damaged stretch is found before the whole is here
    std::string bytes;
};
/// The first eight bytes of the hash.
std::uint64_t range_check(std::string_view bytes);

/// "I have it whole; would you like it?"
struct ContentOffer {
    Hash content;
    std::uint64_t size = 0;
};

/// "Give me these bytes of it."
struct ContentWish {
    Hash content;
    std::uint64_t offset = 0;
    std::uint64_t bytes_max = 0;
};

/// What the hub says to an offer, a stretch or a wish.
struct ContentWord {
    enum class Kind : std::uint8_t {
        here = 0,      ///< all of it is on the hub's disk and fits its hash
        send = 1,      ///< send [offset, past) next
        later = 2,     ///< not now: it will be among `wanted` when somebody needs it
        refused = 3,   ///< `why` is one line for the person
        not_here = 4,  ///< to a wish: the hub does not have it either, and asks for it from now on
    };
    Hash content;
    Kind kind = Kind::here;
    std::uint64_t offset = 0, past = 0;
    std::string why;
};

struct ContentLevel {
    Hash content;
    Level level = Level::none;
};

struct FileRequest {
    std::uint32_t version = kFileVersion;
    std::string token;       ///< proves the device (given at enrolment)
    std::uint64_t city = 0;  ///< which city's records these are; 0: not known yet
    ReplicaId hub;           ///< whose place `news` is
    std::uint64_t generation = 0;
    std::uint64_t news = 0;  ///< up to where the hub's `levels` are with me: the `news` of its last answer; 0: nowhere
    std::vector<ContentOffer> offers;
    std::vector<ContentRange> ranges;
    std::vector<ContentWish> wishes;
};

struct FileReply {
    std::uint32_t version = kFileVersion;
    Level level = Level::none;  ///< of the hub
    std::uint64_t city = 0;
    ReplicaId hub;
    std::uint64_t generation = 0;
    std::vector<ContentWord> words;
    std::vector<ContentRange> ranges;
    std::vector<ContentLevel> levels;  ///< who has what, as far as the hub knows, since `news`
    std::uint64_t news = 0;    ///< what to ask after next; 0 to a request that had one: the hub went back, ask anew
    bool on_demand = false;    ///< the hub takes only what somebody asks for
    std::vector<Hash> wanted;  ///< contents in the device's scope that the hub would like to have
};

std::string encode(const FileRequest& m);
std::string encode(const FileReply& m);
/// Errc::protocol with one line.
Result<> decode(std::string_view bytes, FileRequest& out);
Result<> decode(std::string_view bytes, FileReply& out);

}  // namespace taizhang::wire
