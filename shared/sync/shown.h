// shown.h - what a bundle upwards shows those above of what the city signed, so that two checkpoints which contradict
// each other are noticed where they meet, by stick too. Threads: store thread only.
#pragma once

#include "replica/replica.h"

namespace taizhang::sync {

/// Streams of one bundle whose newest checkpoint comes along, some 300 bytes each: those that were signed last.
inline constexpr std::size_t kShownMax = 256;

/// The newest checkpoint of each of these streams, up to where its author signed: as far as its bodies are here.
Result<std::vector<std::vector<LogEntry>>> newest_checkpoints(Replica& r, const std::vector<StreamId>& streams);

/// The commit does not follow what is here. Whether it is a checkpoint of the city's for a place at which another
/// commit of the city's stands here: then it is kept as evidence, once for each chain. The caller has proved its
/// signature.
Result<bool> note_contradicting_checkpoint(Replica& r, const Commit& commit, std::string_view packed,
                                           std::string_view signature);

}  // namespace taizhang::sync
