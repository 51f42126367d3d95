// Commits from the log, unpacked and decoded: the last ones stay, and the next one that a fold will want is read ahead.
#include "replica/impl.h"

namespace taizhang {
namespace {

// Of decoded commits. Higher: a fold of many rows reads each commit once; lower: less memory.
constexpr std::size_t kCacheBytesMax = 8u << 20;
}  // namespace

void Replica::Impl::Reading::unpack(Packer& with, std::uint8_t knows) {
    loaded = std::make_unique<Loaded>();
    done = with.unpack(packed, loaded->bytes);
    if (done) done = loaded->commit.decode(loaded->bytes, Commit::Text::checked, knows);
    if (!done || taizhang::view(loaded->commit.hash.bytes) != hash)
        done = fail(Errc::corrupt,
                    "日志第 " + std::to_string(lsn) + " 条已损坏 / log entry " + std::to_string(lsn) + " is damaged");
}

/// Its bytes as the log holds them; false when it is not there.
Result<bool> Replica::Impl::find_commit(std::uint64_t lsn, Reading& to) {
    log_get.bind(1, lsn);
    TRY(const bool row, log_get.step());
    if (!row) return false;
    to.lsn = lsn;
    to.hash = log_get.blob(0);
    to.packed = log_get.blob(1);
    log_get.reset();
    return true;
}

void Replica::Impl::keep_commit(Reading& from) {
    const auto lsn = std::exchange(from.lsn, 0);
    note_version(lsn, from.loaded->commit.version(), from.loaded->commit.header.time);
    cache_bytes += from.loaded->bytes.size() * 3;
    cache.push_back({lsn, std::move(from.loaded)});
    cache_index[lsn] = std::prev(cache.end());
    while (cache_bytes > kCacheBytesMax && cache.size() > 1) {
        cache_bytes -= cache.front().loaded->bytes.size() * 3;
        cache_index.erase(cache.front().lsn);
        cache.pop_front();
    }
}

/// It will not be wanted again.
void Replica::Impl::forget_commit(std::uint64_t lsn) {
    const auto it = cache_index.find(lsn);
    if (it == cache_index.end()) return;
    cache_bytes -= it->second->loaded->bytes.size() * 3;
    cache.erase(it->second);
    cache_index.erase(it);
}

void Replica::Impl::stop_reading() {
    reading.drop();
    to_read.clear();
    next_commit.lsn = 0;
}

/// Begins with the next of `to_read`, on another core if there is one.
Result<> Replica::Impl::read_next() {
    while (next_commit.lsn == 0 && env.worker && !to_read.empty()) {
        const auto lsn = to_read.front();
        to_read.pop_front();
        if (cache_index.contains(lsn)) continue;
        TRY(const bool is_there, find_commit(lsn, next_commit));
        if (!is_there) continue;  // whoever needs it says so
        reading.begin([this] { next_commit.unpack(reading_packer, options.knows.commit_format); },
                      next_commit.packed.size() >= kUnpackApartMin);
    }
    return {};
}

Result<> Replica::Impl::load_commit(std::uint64_t lsn, Loaded*& out) {
    auto it = cache_index.find(lsn);
    if (it == cache_index.end()) {
        TRY_VOID(write_log());
        if (next_commit.lsn != 0) {
            reading.wait();
            if (next_commit.done) keep_commit(next_commit);
            next_commit.lsn = 0;  // damaged: whoever needs it says so
            TRY_VOID(read_next());
            it = cache_index.find(lsn);
        }
    }
    if (it == cache_index.end()) {
        TRY(const bool is_there, find_commit(lsn, this_commit));
        if (!is_there)
            return fail(Errc::corrupt,
                        "日志缺第 " + std::to_string(lsn) + " 条 / log entry " + std::to_string(lsn) + " is missing");
        this_commit.unpack(packer, options.knows.commit_format);
        TRY_VOID(this_commit.done);
        keep_commit(this_commit);
        it = cache_index.find(lsn);
    }
    cache.splice(cache.end(), cache, it->second);
    out = it->second->loaded.get();
    return {};
}

}  // namespace taizhang
