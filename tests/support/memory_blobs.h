// memory_blobs.h - contents in memory: what was not durable is gone after a crash, bits flip on demand, the disk fills.
#pragma once

#include "files/blob_store.h"

#include <algorithm>
#include <map>

namespace taizhang::support {

class MemoryBlobs : public files::BlobStore {
public:
    Result<std::optional<std::uint64_t>> size_of(const Hash& hash) override {
        const auto it = finished_.find(hash);
        if (it == finished_.end()) return std::optional<std::uint64_t>();
        return std::optional<std::uint64_t>(it->second.size());
    }
    Result<std::string> read(const Hash& hash, std::uint64_t offset, std::size_t bytes) override {
        const auto it = finished_.find(hash);
        if (it == finished_.end()) return fail(Errc::not_found, "memory: no such content");
        return piece(it->second, offset, bytes);
    }
    Result<> write_part(const Hash& hash, std::uint64_t offset, std::string_view bytes, bool durable) override {
        if (full) return fail(Errc::disk_full, "memory: full");
        auto& part = parts_[hash];
        part.resize(std::max<std::size_t>(part.size(), offset + bytes.size()));
        part.replace(offset, bytes.size(), bytes);
        ++writes;
        if (durable) durable_[hash] = part;
        return {};
    }
    Result<std::string> read_part(const Hash& hash, std::uint64_t offset, std::size_t bytes) override {
        return piece(parts_[hash], offset, bytes);
    }
    Result<> finish(const Hash& hash, std::uint64_t size) override {
        auto bytes = parts_[hash];
        bytes.resize(size);
        finished_[hash] = bytes;
        parts_.erase(hash);
        durable_.erase(hash);
        return {};
    }
    Result<> drop_part(const Hash& hash) override {
        parts_.erase(hash);
        durable_.erase(hash);
        return {};
    }
    Result<> drop(const Hash& hash) override {
        finished_.erase(hash);
        return {};
    }

    void crash() { parts_ = durable_; }
    void lose_everything() {
        parts_.clear();
        durable_.clear();
        finished_.clear();
    }
    void flip(const Hash& hash, std::size_t at) { finished_.at(hash).at(at) ^= 1; }
    bool has(const Hash& hash) const { return finished_.contains(hash); }
    std::string bytes(const Hash& hash) const { return finished_.at(hash); }

    bool full = false;
    int writes = 0;

private:
    static std::string piece(const std::string& of, std::uint64_t offset, std::size_t bytes) {
        return offset >= of.size() ? std::string() : of.substr(offset, bytes);
    }
    std::map<Hash, std::string> finished_, parts_, durable_;
};

}  // namespace taizhang::support
