// contradiction.h - facts about two signed words of one signer for one place. Threads: any.
#pragma once

namespace taizhang {

/// "control/POS": varint milliseconds, str the other entry. "file/HASH": varint milliseconds, str what differs, str
/// where the file is kept. "certificate/REPLICA": varint milliseconds, str the certificate that does not count.
/// "checkpoint/STREAM/REPLICA": varint milliseconds, varint seq, str the packed commit that does not follow what is
/// here, str its signature.
inline constexpr const char* kContradiction = "contradiction/";
inline constexpr const char* kDoubledCertificate = "contradiction/certificate/";
inline constexpr const char* kContradictingCheckpoint = "contradiction/checkpoint/";

}  // namespace taizhang
