// upstream_facts.h - what a node remembers of the hub above; for sync/*.cpp only.
#pragma once

#include "sync/session.h"

namespace taizhang::sync {

// Facts, by their keys.
inline constexpr const char* kCursor =
    "upstream/cursor";  // hub[16], then varints generation, log, proof, certificates, acks
inline constexpr const char* kToken = "upstream/token";
inline constexpr const char* kHub = "upstream/hub";  // hub[16], varint generation: of the newest cursor
inline constexpr const char* kLevel = "upstream/level";
inline constexpr const char* kHubControl = "upstream/control";  // by which tree the hub chose what it gave
// Of a device that begins: "+" and the stream up to which it has states; then "=": what follows them in the log comes
// by vector, until all of it is here.
inline constexpr const char* kState = "upstream/state";
inline constexpr const char* kEvicted = "upstream/evicted";  // by which tree everything out of scope is gone
inline constexpr const char* kHubUnit = "upstream/unit";
inline constexpr const char* kLastSync = "upstream/last_sync_ms";
inline constexpr const char* kLink = "upstream/link";              // Chunks::encode
inline constexpr const char* kIntroduced = "upstream/introduced";  // the replica whose certificate the hub has
// Per replica for which two offices vouched: to which hub the certificate that counts here was shown.
inline constexpr const char* kShown = "upstream/shown/";
inline constexpr const char* kPassesOn = "upstream/passes_on";  // this node is a hub itself
inline constexpr const char* kHubKey = "upstream/key";
inline constexpr const char* kHubReplica =
    "upstream/replica";  // the hub's, from enrolment: its certificate says its level

/// The last commit of the chain that a file has carried upwards since the hub spoke of it: whether it arrived is asked
/// before it is sent again. 0: none.
Result<> note_carried(Replica& r, const ChainHead& h);
Result<Seq> carried_up_to(Replica& r, const StreamId& stream, const ReplicaId& replica);
Result<> forget_carried(Replica& r, const StreamId& stream, const ReplicaId& replica);

std::string encode(const wire::Cursor& c);
/// Something else gives the cursor of no hub.
wire::Cursor decode_cursor(const std::string& bytes);
/// Whose cursor is kept from now on; the person is told when the hub was put back or set up anew.
Result<> keep_hub(Replica& r, const wire::Cursor& c);
/// The certificate and what it rests on, without what the hub's own rests on: it has that.
Result<> add_chain(Replica& r, const ReplicaId& id, std::vector<std::string>& out);
bool is_own(const Replica& r, const ReplicaId& author);
/// Of what receive() said to commits from below: what of it goes up again, and what is not to stay on this disk.
Result<> note_from_below(Replica& r, const std::vector<Replica::Received>& results);
Error another_city();

}  // namespace taizhang::sync
