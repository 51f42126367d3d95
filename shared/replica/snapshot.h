// snapshot.h - a stream's rows as its newest checkpoint covers them: what a new device begins with instead of the
// history.
//
//   u8 format 3, Stream, str checkpoint commit (packed), str its author's signature (empty in a city without keys)
//   varint n, n × replica b16
//   varint n, n × str name                                            of fields and groups
//   varint n, n × tip      {varint replica, varint seq, hash b32, seq × b16}   of every chain: the device's floors,
//   with
//                          the first bytes of the hash of each commit up to there. The city has signed 8 of them under
//                          each commit, and all 16 under those that stand somewhere
//   varint n, n × {varint replica, varint seq, hash b32}              commits up to there that have no time
//   varint n, n × {str entity, varint n, n × {str id, varint state, fields, flow, groups}}
//       fields {varint field name, value}… 0; flow {varint replica + 1, varint seq, varint time} or 0; groups {varint
//       group name, varint replica, varint seq, varint time}… 0: the commits that stand; names are indices + 1 into the
//       table above
//   varint n, n × {str commit (packed), u8 flags: 2 it waits}
//   varint n, n × {str entity, str id}                                rows that are folded from those commits
//
// A hub that has all of the log makes it; what the device then has must give the digest that the city signed.
//
// snapshot_make.cpp writes it, snapshot_take.cpp reads it; both go through it once, row by row.
#pragma once

#include <cstddef>
#include <cstdint>

namespace taizhang::snapshot {

inline constexpr std::uint8_t kFormat = 3;
inline constexpr std::uint8_t kWaits = 2;         ///< flag of a past commit: it waits
inline constexpr std::size_t kMarkBytes = 8;      ///< of each commit's hash: what the city signs
inline constexpr std::size_t kVersionBytes = 16;  ///< what is given: a VersionId

}  // namespace taizhang::snapshot
