// next_name.h - the name under which a device will go on for another unit, once the office above has said yes.
//
// A name follows from the key and a nonce, and an enrolment asks by it; until the answer is taken (reincarnate_bare())
// the device is who it was, so a wrong code or a link that drops costs nothing. Threads: the replica's.
#pragma once

#include "replica/replica.h"

namespace taizhang {

struct NextName {
    ReplicaId id;
    std::string nonce;
};

/// The same until it is taken, so that a request whose answer was lost can be made again.
Result<NextName> next_name(Replica& replica);

}  // namespace taizhang
