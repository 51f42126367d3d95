// bundle_letter.h - a bundle and its file: sealed to those who may open it, signed by who made it; for
// sync/bundle*.cpp only. Layout: schema/PROTOCOL.md.
#pragma once

#include "replica/replica.h"
#include "wire/messages.h"

#include <string>
#include <string_view>
#include <vector>

namespace taizhang::sync {

/// What is refused of a file that is cut or was altered.
Error damaged_bundle();

/// Sealed to the receivers and signed by the sender where the city has keys; else in the clear.
Result<std::string> seal(Replica& r, const std::vector<trust::PublicKey>& receivers, const wire::Bundle& b);

/// Who sealed it and with which signature: checked once his certificate is here, which the bundle may bring.
struct Letter {
    wire::Bundle bundle;
    ReplicaId signer;
    std::string signature, contents;
};
/// Errc::bad_input: damaged, or no bundle; not_allowed: not for this device.
Result<Letter> unseal(Replica& r, std::string_view file);

/// fact "peer/UNIT/REPLICA": what that sender held when it made its newest bundle that was taken here.
std::string peers_of(const std::string& unit);

}  // namespace taizhang::sync
