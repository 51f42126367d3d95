// known.h - what a device and its hub both have, so that a request can name it in a few bytes.
//
// A device counts on what the hub gave it or has acknowledged. Should the hub not
// have it after all, it says so (Errc::not_found where it reads), and the device
// says everything again in full. Threads: store thread only.
#pragma once

#include "replica/replica.h"
#include "wire/runs.h"

#include <map>

namespace taizhang::sync {

class KnownHere : public wire::Known {
public:
    explicit KnownHere(Replica& replica) : r_(replica) {}
    std::optional<Row> row_before(const Commit& commit, std::uint32_t row) override;
    std::optional<RowThere> row_at(const StreamId& stream, const ReplicaId& replica, Seq seq,
                                   std::uint32_t row) override;
    bool has(const StreamId& stream, const ReplicaId& replica, Seq seq) override;
    std::optional<Hash> hash_at(const StreamId& stream, const ReplicaId& replica, Seq seq,
                                std::string_view first_bytes) override;

private:
    Result<std::optional<Row>> find_before(const Commit& commit, std::uint32_t row);
    Result<std::optional<RowThere>> find_at(const StreamId& stream, const ReplicaId& replica, Seq seq,
                                            std::uint32_t row);

    Replica& r_;
    std::map<std::pair<StreamId, ReplicaId>, Seq> acked_;
    std::uint64_t lsn_ = 0;  ///< of the commit below
    Packer packer_;
    std::string bytes_;
    Commit commit_;
};

}  // namespace taizhang::sync
