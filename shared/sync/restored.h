// restored.h - a city's server that was put back from a backup, until it has met somebody from below.
//
// Its backup may lack entries of the city's log that others have. Whoever appended to it then would make a second log,
// which no program can join again. So the root writes none of it until somebody who was known before has compared his
// with it (fact kUnmet, asked by Replica::append_control).
//
// Sans-I/O. Threads: store thread only.
#pragma once

#include "replica/replica.h"

namespace taizhang::sync {

/// In the transaction at hand: from now on.
Result<> begin_unmet(Replica& replica);
/// In the transaction at hand: `who` stands at `theirs` of the control log, which was compared.
Result<> note_met(Replica& replica, const ReplicaId& who, ControlPos theirs);
/// A person says that nobody is left below.
Result<> go_on_alone(Replica& replica);

}  // namespace taizhang::sync
