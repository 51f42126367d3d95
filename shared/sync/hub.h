// hub.h - the serving half of sync: one request in, one reply out.
//
// A hub numbers what it admits (the lsn of its log); a device's cursor is a place in
// that numbering and belongs to (hub, generation). Stateless between requests: what
// a device has is what its request says. An ack leaves only after the commit is on
// the disk. Bounded: a reply carries as many commits as the device asks for, and
// about kReplyBytes at most.
//
// Sans-I/O: bytes in, bytes out. Threads: store thread only.
#pragma once

#include "replica/replica.h"
#include "sync/chunks.h"
#include "sync/nearby.h"
#include "wire/messages.h"

#include <unordered_map>

namespace taizhang::sync {

inline constexpr std::size_t kAcksMax = 4096;  ///< passed on in one reply
inline constexpr std::size_t kWantsMax = 256;
inline constexpr std::size_t kStateBytesMax = 4u << 20;  ///< a stream beyond that is given as log
/// Wrong codes that a hub looks at from one place in an hour, and of one code in all; 39 bits of it are secret from who
/// knows its first letters.
inline constexpr int kTriesAnHour = 20;
inline constexpr std::uint64_t kTriesPerCode = 10;

class Hub {
public:
    /// Finds its generation in the database, or starts the first one.
    static Result<Hub> open(Replica& replica);

    /// This database came back from a backup: its numbering is another one from now on, and what it lacks is taken
    /// from its devices, the control log included. Before open().
    static Result<> restored(Replica& replica);

    /// Answers a message of either kind. Errc::protocol, denied; io and disk_full when nothing was taken. `from`: the
    /// place on the network, against guessing; empty: this PC.
    Result<std::string> handle(std::string_view request, const std::string& from = {});

    struct Code {
        std::string code;  ///< as a person types it, XXXX-XXXX-XXXX
        std::int64_t expires_ms = 0;
    };
    /// A one-time code for one device of that unit. Errc::not_found: no such unit here, or not ours to enrol.
    Result<Code> new_code(const std::string& unit);
    /// What both sides compare at enrolment; empty in a city without keys.
    std::string fingerprint() const;

    /// Enrolment without a network: the file that the device wrote, answered by one that only it can open.
    struct Answer {
        std::string file;
        std::string device;  ///< what both sides compare: the device's fingerprint
    };
    Result<Answer> answer(std::string_view request_file, const std::string& unit);

    struct Device {
        ReplicaId replica;
        std::string unit, label;
        std::int64_t last_seen_ms = 0;
    };
    Result<std::vector<Device>> devices();
    /// Whose token that is. Errc::denied: nobody's, or of a device that was revoked.
    Result<Device> device_of(const std::string& token);

    const ReplicaId& id() const { return hub_; }
    std::uint64_t generation() const { return generation_; }
    Level level() const;

    /// A request with all that the short form leaves to the hub.
    struct Asked {
        Device device;
        wire::SyncRequest request;
        bool is_short = false;  ///< and its place fits
    };
    /// What handle() goes by. Errc::protocol, denied.
    Result<Asked> read(std::string_view request);

private:
    explicit Hub(Replica& r) : r_(&r) {}
    Result<std::string> enrol(const wire::EnrolRequest& q, const std::string& from);
    Result<std::string> sync(const Asked& asked);
    bool recognise(const Device& device, wire::SyncRequest& q, std::uint64_t control_mark) const;
    Result<bool> is_own_token(const std::string& token);
    bool is_of_device(const ReplicaId& replica, const Device& device) const;
    Result<bool> takes_control();
    Result<> answer_offers(const wire::SyncRequest& q, const Device& device, wire::SyncReply& reply);
    Result<> take_control(const wire::SyncRequest& q);
    Result<bool> is_another_log(const wire::SyncRequest& q);
    Result<> issue_certificate(const wire::EnrolRequest& q, const std::string& unit);
    /// What the device has just brought, and so has itself.
    struct Sent {
        std::vector<Hash> commits;
        std::vector<ChainHead> ends;  ///< the last of each chain
    };
    Result<> take(const wire::SyncRequest& q, const Device& device, Sent& sent, wire::SyncReply& reply);
    Result<> give(const wire::SyncRequest& q, const Device& device, Sent sent, wire::SyncReply& reply);
    Result<> check_key(const wire::EnrolRequest& q) const;
    Result<> introduce_itself(wire::EnrolReply& reply);
    struct Guesses {
        std::int64_t hour = 0;  ///< since 1970
        int count = 0;
    };
    Guesses& guesses_of(const std::string& from, std::int64_t now);
    Result<> check_tries(const wire::EnrolRequest& q, const std::string& from, std::int64_t now);
    Result<> count_wrong_code(const wire::EnrolRequest& q, const std::string& from, std::int64_t now);
    Result<> may_enrol(const std::string& unit) const;
    Result<> admit_device(const wire::EnrolRequest& q, std::int64_t now, wire::EnrolReply& reply);
    Result<> take_certificates(const wire::SyncRequest& q, const Device& device);
    Result<> give_given_acks(wire::SyncReply& reply, const std::vector<wire::ChainPos>& given);
    Result<std::vector<LogEntry>> choose(const std::vector<StreamId>& streams, const std::vector<Hash>& just_sent,
                                         const std::vector<ChainHead>& known, std::size_t room, Lsn& through);
    bool may_bring(const Device& device, const CommitHeader& h) const;
    Result<> give_pasts(const wire::SyncRequest& q, const std::vector<StreamId>& streams, std::size_t room,
                        wire::SyncReply& reply);
    Result<> give_states(const wire::SyncRequest& q, std::vector<StreamId> streams, std::size_t room,
                         wire::SyncReply& reply);
    Result<> give_certificates(const wire::SyncRequest& q, const Device& device, std::uint64_t after,
                               wire::SyncReply& reply);
    const std::vector<StreamId>& scope(const std::string& unit);

    Replica* r_;
    ReplicaId hub_;
    std::uint64_t generation_ = 0;
    std::unordered_map<std::string, std::vector<StreamId>> scopes_;  // by unit; of the control head below
    ControlPos scopes_at_;
    std::uint64_t scopes_streams_ = 0;
    Nearby nearby_;
    std::unordered_map<std::string, Guesses> guessers_;  // by the place that they are made from
    std::string own_sealed_, own_token_;                 // of this node at the hub above: as kept, and opened
};

}  // namespace taizhang::sync
