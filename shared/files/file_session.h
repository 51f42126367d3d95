// file_session.h - the asking half of contents: makes requests and eats replies, beside sync::Session.
//
//   while (session.wants_more()) { send(session.request()); session.reply(answer); }
//
// First it offers what it has by hash; what the hub has already never travels. Then
// one chunk a round trip, from where the hub says: a dropped link costs at most one
// chunk each way, and a session that is dropped is simply begun again. What was asked
// for comes down in the same messages. A relay runs one above, as any device does.
//
// Facts that it keeps: files/hub (hub, generation, and how far its news are here).
// Sans-I/O. Threads: store thread only.
#pragma once

#include "files/contents.h"

#include <deque>
#include <map>
#include <set>

namespace taizhang::files {

/// Bytes of contents in one message. Higher: fewer round trips; lower: less to send again after a cut.
inline constexpr std::size_t kChunkBytes = 64u << 10;
inline constexpr std::size_t kChunkBytesMin = 1u << 10, kChunkBytesMax = 1u << 20;

class FileSession {
public:
    explicit FileSession(Contents& contents, std::size_t chunk_bytes = kChunkBytes)
        : c_(contents), chunk_(chunk_bytes) {}

    /// Whether there is anything to send, to fetch or (with `poll`) to ask about.
    static Result<bool> has_work(Contents& contents, bool poll);

    /// Errc::not_allowed before enrolment.
    Result<std::string> request();
    /// Errc::protocol: the answer makes no sense.
    Result<> reply(std::string_view bytes);
    bool wants_more() const { return more_; }
    /// As Session::answered_by().
    void answered_by(const ReplicaId& replica) { answered_by_ = replica; }
    /// For the next message: what fits the link as it is measured.
    void set_chunk(std::size_t bytes) { chunk_ = bytes; }

    struct Stats {
        std::uint64_t sent = 0, received = 0;              ///< contents that became whole on the other side
        std::uint64_t known = 0;                           ///< that the hub had already
        std::uint64_t bytes_sent = 0, bytes_received = 0;  ///< that the other side has confirmed, or are here
        std::uint64_t round_trips = 0;
        std::uint64_t not_here = 0;        ///< wishes that the hub cannot fulfil now
        std::vector<std::string> refused;  ///< one line each
    };
    const Stats& stats() const { return stats_; }

private:
    struct Outgoing {
        Content content;
        Span want;  ///< what the hub asked for
        bool sent_any = false;
        int strikes = 0;
    };
    Result<> fill_offers(wire::FileRequest& q);
    Result<> fill_ranges(wire::FileRequest& q);
    Result<> fill_wishes(wire::FileRequest& q);
    Result<> take_word(const wire::ContentWord& w, Level level);
    Result<> take_range(const wire::ContentRange& range);
    Result<> let_go(const Hash& hash);
    Result<> take_wanted(const std::vector<Hash>& wanted);
    Result<bool> is_other_hub(const wire::FileReply& m);

    Contents& c_;
    std::size_t chunk_;
    bool more_ = true;
    std::deque<Outgoing> out_;
    ReplicaId answered_by_;
    std::set<Hash> offered_;  // in this session
    std::set<Hash> absent_;   // the hub does not have them, or refused
    std::map<Hash, int> damaged_;
    std::size_t wishes_ = 0, answers_ = 0;
    Stats stats_;
};

}  // namespace taizhang::files
