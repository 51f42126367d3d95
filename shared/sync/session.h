// session.h - the asking half of sync: a state machine that makes requests and eats replies.
//
//   while (session.wants_more()) { send(session.request()); session.reply(answer); }
//
// While an answer is taken the hub can be at work on the next one already: ahead() gives the request for it.
//
// One round trip where one will do. What a reply brings is written, cursor included, in
// one transaction, before reply() returns, and is on the disk when the last of a row of
// pages was taken; a session that is dropped at any point is simply begun again. What has not been acknowledged is sent
// again, and duplicates are harmless.
//
// Facts that it keeps: upstream/… (hub, generation, cursors, token, level), and
// ack/STREAM/REPLICA, this hub's place in each chain that goes up: what is sent follows
// from it. What people are shown, what each level has, is in acks.h.
//
// Sans-I/O. Threads: store thread only.
#pragma once

#include "replica/replica.h"
#include "sync/acks.h"
#include "sync/chunks.h"
#include "wire/messages.h"

namespace taizhang::sync {

using Unsent = Replica::Behind;

/// Chains with commits that the hub has not acknowledged.
Result<std::vector<Unsent>> unsent(Replica& replica);
Result<std::uint64_t> unsent_count(Replica& replica);

/// Admits commits that a device or a bundle brought. What is new to the hub above will go up, the other branch of a
/// forked chain too, although its places were acknowledged before.
Result<std::vector<Replica::Received>> receive_from_below(Replica& replica, std::span<const std::string_view> packed);

/// Of what was admitted from below: puts the hub's place back before a new branch of a forked chain.
Result<> note_fork_below(Replica& replica, const std::vector<Replica::Received>& results);

/// Up to where this node has its hub's log.
Result<wire::Cursor> upstream_cursor(Replica& replica);

/// What is known of the link to the hub above.
Result<Chunks> measured_link(Replica& replica);
/// For a trip outside a session.
Result<> note_trip(Replica& replica, const Trip& trip);

/// Which hub this node stands below. Zero before the first contact.
struct HubIdentity {
    ReplicaId hub;
    std::uint64_t generation = 0;
};
Result<HubIdentity> upstream_hub(Replica& replica);
/// The replica of the hub that this node enrolled with; zero before, and in a city without keys.
Result<ReplicaId> upstream_replica(Replica& replica);
/// That hub's device key, as it introduced itself at enrolment; empty in a city without keys.
Result<trust::PublicKey> upstream_key(Replica& replica);

/// Which level's word it is what a hub says of its own disk: `claimed`, if the certificate of the key that answered
/// (zero: of the hub enrolled with) gives it that; none of an office of the root that is not the city's own server.
/// Errc::protocol: it claims more.
Result<Level> word_of(Replica& replica, const ReplicaId& answered_by, Level claimed);

/// What this hub holds, said by itself: what it lacks goes up again, whoever wrote it. Chains that are not named it
/// lacks whole. `level`: word_of() it.
Result<> learn_hub_heads(Replica& replica, const std::vector<wire::ChainPos>& heads, Level level);
/// The next sync compares vectors instead of relying on the cursor.
Result<> forget_cursor(Replica& replica);

/// Takes off this disk what the tree gives to others by now, once all of it is at the hub.
Result<> evict_out_of_scope(Replica& replica);

/// The unit was closed, or it stands below another hub's unit by now.
Result<bool> must_enrol_again(Replica& replica);

/// Up to where the hub has acknowledged that chain.
Result<Seq> hub_ack(Replica& replica, const StreamId& stream, const ReplicaId& author);

/// Level of the hub; none before the first contact.
Result<Level> upstream_level(Replica& replica);

/// What a person typed of a one-time code: case, spaces and dashes do not matter. No 0, O, 1, I, L: read aloud over a
/// telephone.
inline constexpr std::string_view kCodeAlphabet = "23456789ABCDEFGHJKMNPQRSTUVWXYZ";
std::string plain_code(std::string_view typed);

/// Takes those that are valid, keeps those that cannot be judged yet, leaves the others aside.
Result<> take_certificates(Replica& replica, const std::vector<std::string>& bodies);
/// Replica::prove for a message's signatures.
Result<std::vector<Proved>> prove(Replica& replica, std::span<const std::string_view> packed,
                                  const std::vector<wire::HeadSignature>& signatures);

class Enrolment {
public:
    /// A hub begins with the log, because it serves it; a device with the state that the city signed last.
    enum class Begin : std::uint8_t { with_log, with_state };
    explicit Enrolment(Replica& replica, Begin begin = Begin::with_state) : r_(replica), begin_(begin) {}
    /// A replica that is enrolled already goes over to another hub of its city with its data: vectors will tell what
    /// is missing on either side.
    Result<std::string> request(const std::string& code, const std::string& label);
    /// Keeps token, cursor and certificate. Errc::protocol; not_allowed when the code was for another unit.
    Result<> reply(std::string_view bytes);
    /// Enrolment without a network: what to carry to the office above, and what it gave back. Errc::denied when that
    /// office's fingerprint is not `fingerprint` (when given).
    Result<std::string> request_file(const std::string& label);
    Result<> take_answer(std::string_view file, const std::string& fingerprint);
    /// What take_answer() would take, for the person who compares it first: nothing is changed.
    struct Answer {
        std::string unit;
        std::string name;         ///< the unit's, by the tree that came along; its id when that does not say
        std::string fingerprint;  ///< of the office that answered
        std::string device;       ///< of this PC's key, as that office was shown it
    };
    Result<Answer> look_at_answer(std::string_view file);
    /// Who is there? Its answer gives the fingerprint before any code is told.
    Result<std::string> question();
    Result<std::string> fingerprint(std::string_view answer);
    /// Of the server that answers; empty in a city without keys.
    static Result<trust::PublicKey> hub_key(std::string_view answer);
    /// After reply(): of the city's root key and the hub's; empty in a city without keys.
    const std::string& fingerprint() const { return fingerprint_; }

private:
    /// An answer file, opened with the key of this PC.
    struct Letter {
        std::string message;
        std::vector<std::string> control;
    };
    Result<Letter> open_letter(std::string_view file) const;
    Replica& r_;
    Begin begin_;
    std::string fingerprint_;
};

class Session {
public:
    explicit Session(Replica& replica) : r_(replica) {}

    /// Errc::not_allowed before enrolment.
    Result<std::string> request();
    /// Errc::protocol, corrupt: the answer makes no sense, nothing was taken.
    Result<> reply(std::string_view bytes);
    bool wants_more() const { return more_; }
    /// Before reply() with the same bytes: the request that follows, if it is known without having taken them. It
    /// brings nothing and asks for more of the same; its answer goes to reply() next. Empty: none, ask request().
    Result<std::string> ahead(std::string_view bytes);

    /// How the link carried the request and the answer that reply() takes next. Whoever does not measure gets chunks
    /// of the first guess.
    void measured(const Trip& trip) { trip_ = trip; }
    /// Whose key answered, where TLS says so: the next replies are that server's word. Otherwise they count as the word
    /// of the hub that this node enrolled with.
    void answered_by(const ReplicaId& replica) { answered_by_ = replica; }
    /// The link broke under the last request: the next one is smaller, and a later session knows.
    Result<> cut();
    /// Of the request just made.
    std::chrono::milliseconds patience() const { return chunks_.patience(in_flight_bytes_); }
    const Chunks& chunks() const { return chunks_; }

    struct Stats {
        std::uint64_t sent = 0, received = 0, round_trips = 0;
        std::uint64_t states_refused = 0;  ///< that were not what the city signed
        std::vector<std::string> refused;  ///< one line each
    };
    const Stats& stats() const { return stats_; }

private:
    Result<> fill_outbox(wire::SyncRequest& q);
    Result<bool> offer(const Unsent& chain, wire::SyncRequest& q);
    bool is_offered(const StreamId& stream, const ReplicaId& replica) const;
    Result<> end_offers();
    Result<> add_vector(wire::SyncRequest& q);
    Result<> introduce(wire::SyncRequest& q);
    Result<> take_word(const wire::Ack& a);
    Result<bool> all_went(const wire::ChainPos& at, Seq after);
    Result<wire::SyncReply> open(std::string_view bytes);
    Result<> complete(wire::SyncReply& m);
    std::uint64_t state_bytes();
    static void shorten(wire::SyncRequest& q);
    Durability durability_of(const wire::SyncReply& m) const;
    Result<> take(const wire::SyncReply& m);
    Result<> take_control(const wire::SyncReply& m);
    Result<std::uint64_t> control_mark();
    Result<> take_states(const wire::SyncReply& m);
    Result<> check_scope(const wire::SyncReply& m, const std::vector<Replica::Received>& results) const;
    Result<> note_received(const std::vector<Replica::Received>& results);
    Result<bool> let_go(const wire::Verdict& v);
    Result<> note(const wire::SyncReply& m);
    Seq asked_from(const wire::ChainPos& at) const;
    Result<bool> scope_moved(const wire::SyncReply& m);
    Result<> learn_link(const wire::SyncReply& m);

    Replica& r_;
    bool more_ = true;
    unsigned state_questions_ = 0;
    wire::SyncRequest last_;                                  // the request at hand, without what it brings
    bool brings_nothing_ = false;                             // and it is of the short form
    std::optional<std::pair<Hash, wire::SyncReply>> opened_;  // by ahead(); under the hash of its bytes
    bool send_vector_ = false;
    bool sent_vector_ = false;  // in the request at hand
    bool lost_place_ = false;   // the cursor does not tell what is missing
    Hash last_reply_;
    int repeats_ = 0;                          // of one answer: it leads nowhere
    bool begins_anew_ = false;                 // the states that were offered are of no use here
    bool asks_heads_ = false;                  // the hub is to say what it holds
    std::vector<Replica::RowKey> asked_rows_;  // whose histories the request at hand asks for
    std::optional<ControlPos> control_from_;   // the hub lacks what follows
    // The control logs here and there are two: at that place the hub's entry is wanted, or the one here is shown.
    std::optional<ControlPos> control_wanted_, control_shown_;
    bool wanted_control_ = false, showed_control_ = false;  // once in a session
    bool compares_ = false, compared_later_ = false;        // a request for that alone, once in a session
    bool was_long_ = false, was_compared_ = false;          // the request at hand
    std::vector<ReplicaId> wanted_, given_;  // certificates that the hub asked for, and got in this session
    struct Asked {
        StreamId stream;
        ReplicaId replica;
        Seq after, last;
    };
    std::vector<wire::ChainPos> offers_;   // of the request at hand
    std::vector<wire::ChainPos> offered_;  // in this session
    std::vector<Asked> asked_;             // what the request at hand brings of each chain
    std::vector<wire::ChainPos> blocked_;  // chains that the hub refused in this session
    ReplicaId answered_by_;                // zero: not known
    Level word_ = Level::none;             // what the reply at hand is the word of
    bool is_renamed_ = false;              // the hub does not know the new incarnation yet
    std::vector<Hash> in_flight_;          // commits of the request that is under way, and where their chains end
    std::vector<wire::ChainPos> ends_;
    std::size_t in_flight_bytes_ = 0;  // packed
    Chunks chunks_, stored_chunks_;    // what the next process will know
    bool knows_link_ = false;          // chunks_ were read
    std::optional<Trip> trip_;
    Stats stats_;
};

}  // namespace taizhang::sync
