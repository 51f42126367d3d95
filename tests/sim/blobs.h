// blobs.h - the folder of contents on a simulated machine's disk: gone with the same power, full now and then.
#pragma once

#include "tests/support/memory_blobs.h"
#include "tests/support/sim_disk.h"

namespace taizhang::sim {

class Blobs : public files::BlobStore {
public:
    explicit Blobs(support::SimDisk& disk) : disk_(disk) {}

    /// The power goes during the n-th writing call from now; 0: it does not.
    void cut_after(int n) { cut_in_ = n; }
    /// What was not durable is gone.
    void crash() { bytes_.crash(); }
    const support::MemoryBlobs& all() const { return bytes_; }
    void restore(support::MemoryBlobs bytes) { bytes_ = std::move(bytes); }
    bool has(const Hash& hash) const { return bytes_.has(hash); }
    std::string bytes(const Hash& hash) const { return bytes_.bytes(hash); }
    void flip(const Hash& hash, std::size_t at) { bytes_.flip(hash, at); }

    Result<std::optional<std::uint64_t>> size_of(const Hash& hash) override {
        TRY_VOID(power());
        return bytes_.size_of(hash);
    }
    Result<std::string> read(const Hash& hash, std::uint64_t offset, std::size_t n) override {
        TRY_VOID(power());
        return bytes_.read(hash, offset, n);
    }
    Result<std::string> read_part(const Hash& hash, std::uint64_t offset, std::size_t n) override {
        TRY_VOID(power());
        return bytes_.read_part(hash, offset, n);
    }
    Result<> write_part(const Hash& hash, std::uint64_t offset, std::string_view piece, bool durable) override {
        TRY_VOID(power(true));
        return bytes_.write_part(hash, offset, piece, durable);
    }
    Result<> finish(const Hash& hash, std::uint64_t size) override {
        TRY_VOID(power(true));
        return bytes_.finish(hash, size);
    }
    Result<> drop_part(const Hash& hash) override {
        TRY_VOID(power(true));
        return bytes_.drop_part(hash);
    }
    Result<> drop(const Hash& hash) override {
        TRY_VOID(power(true));
        return bytes_.drop(hash);
    }

private:
    Result<> power(bool writes = false) {
        if (writes && cut_in_ > 0 && --cut_in_ == 0) disk_.power_off();
        if (disk_.is_off()) return fail(Errc::io, "blobs: the power is gone");
        return {};
    }

    support::SimDisk& disk_;
    support::MemoryBlobs bytes_;
    int cut_in_ = 0;
};

}  // namespace taizhang::sim
