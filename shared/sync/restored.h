// restored.h - a city's server that was put back from a backup, until it has met those from below.
//
// Its backup may lack entries of the city's log that others have. Whoever appended to it then would make a second log,
// which no program can join again. So the root writes none of it until half of those who were known before, and had
// brought something in the backup's last month, have compared theirs with it, or at least one where nobody had (fact
// kUnmet, asked by Replica::append_control). Whatever more than half of them had heard of is back by then. All of them
// would be safer still, but some PCs never come back, and a city must not wait for those.
//
// Sans-I/O. Threads: store thread only.
#pragma once

#include "replica/replica.h"

#include <optional>
#include <string>

namespace taizhang::sync {

/// Facts, one for each that was met: the name that the backup knew it by.
inline const std::string kMet = "hub/met/";

/// In the transaction at hand: from now on.
Result<> begin_unmet(Replica& replica);
/// In the transaction at hand: `who` stands at `theirs` of the control log, which was compared.
Result<> note_met(Replica& replica, const ReplicaId& who, ControlPos theirs);
/// A person says that nobody is left below.
Result<> go_on_alone(Replica& replica);

struct RestoredProgress {
    std::uint64_t met = 0, wanted = 1;
};
/// None: this node does not wait.
Result<std::optional<RestoredProgress>> restored_progress(Replica& replica);

}  // namespace taizhang::sync
