// file_hub.h - the serving half of contents: one request in, one reply out, beside sync::Hub.
//
// A device may send and fetch what a record in its scope names, nothing else. A
// stretch is on the disk before the hub asks for the next one. Stateless between
// requests; the device says where it stands. Limits: files/content_index.h.
//
// Sans-I/O: bytes in, bytes out. Threads: store thread only.
#pragma once

#include "files/contents.h"
#include "sync/hub.h"

namespace taizhang::files {

inline constexpr std::size_t kOffersMax = 64;
inline constexpr std::size_t kDownBytesMax = 1u << 20;  ///< stretches in one reply
inline constexpr std::size_t kNewsMax = 256, kWantedMax = 64;

class FileHub {
public:
    FileHub(sync::Hub& hub, Contents& contents) : hub_(hub), contents_(contents) {}

    /// Errc::protocol, denied; io and disk_full when nothing was taken.
    Result<std::string> handle(std::string_view request);

private:
    Result<wire::ContentWord> answer_offer(const std::string& unit, const Hash& hash, std::uint64_t size);
    Result<wire::ContentWord> take(const std::string& unit, const wire::ContentRange& range);
    Result<> give(const std::string& unit, const wire::ContentWish& wish, std::size_t& room, wire::FileReply& reply);
    Result<> add_news(const std::string& unit, const wire::FileRequest& q, wire::FileReply& reply);
    Result<> add_levels(const std::string& unit, std::uint64_t after, wire::FileReply& reply);
    Result<> add_levels_of_branch(const std::string& unit, std::uint64_t after, wire::FileReply& reply);
    Result<wire::ContentWord> next_of(const Content& content);
    Result<std::string> over_quota(const std::string& unit, std::uint64_t size, const Content* known);
    Result<bool> is_settled(const Hash& hash, std::uint64_t size, const Content& known);

    sync::Hub& hub_;
    Contents& contents_;
};

}  // namespace taizhang::files
