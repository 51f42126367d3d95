// doubled.h - replicas for which two offices vouched: a hub is shown the word that counts, once.
//
// A hub asks for certificates that it lacks, never for another of a replica that it knows; where it may have the word
// that does not count, the device shows it the one that does. Threads: store thread only.
#pragma once

#include "replica/replica.h"

#include <string>
#include <utility>
#include <vector>

namespace taizhang::sync {

/// All of them, whoever was shown what.
Result<std::vector<ReplicaId>> doubled_replicas(Replica& r);

/// Those that this hub was not shown yet, with what is noted once it was.
Result<std::vector<std::pair<ReplicaId, std::string>>> doubled_certificates(Replica& r, const ReplicaId& hub);

/// The hub has answered a request with those certificates.
Result<> note_shown(Replica& r, const ReplicaId& hub, const std::vector<ReplicaId>& given);

}  // namespace taizhang::sync
