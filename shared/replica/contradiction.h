// contradiction.h - facts about two signed words of one signer for one place. Threads: any.
#pragma once

namespace taizhang {

/// "control/POS": varint milliseconds, str the other entry. "file/HASH": varint milliseconds, str what differs, str
/// where the file is kept. "certificate/REPLICA": varint milliseconds, str the certificate that does not count.
inline constexpr const char* kContradiction = "contradiction/";
inline constexpr const char* kDoubledCertificate = "contradiction/certificate/";

}  // namespace taizhang
