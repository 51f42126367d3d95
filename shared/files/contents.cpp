#include "files/contents.h"

#include "base/hash.h"

#include <algorithm>

namespace taizhang::files {
namespace {

constexpr std::size_t kPieceBytes = 1u << 20;  ///< read and hashed at a time
constexpr std::size_t kCheckedMax = 4096;

Error not_here(const Hash& hash) {
    return fail(Errc::not_found, "附件内容不在本机:" + hash.hex().substr(0, 12) +
                                     "…,可用 fetch 取回 / this content is not here: " + hash.hex().substr(0, 12) +
                                     "…; run fetch");
}

bool is_sound(const wire::ContentRange& r, std::uint64_t size) {
    return r.size == size && !r.bytes.empty() && r.offset <= size && r.bytes.size() <= size - r.offset &&
           wire::range_check(r.bytes) == r.check;
}

}  // namespace

// ------------------------------------------------------------------ what a person attaches

Result<std::pair<Hash, std::uint64_t>> Contents::hash_of_source(const Source& source) {
    Hasher hasher;
    std::uint64_t size = 0;
    for (;;) {
        TRY(const auto piece, source(size, kPieceBytes));
        hasher.add(piece);
        size += piece.size();
        if (size > kContentBytesMax)
            return fail(Errc::bad_input,
                        "文件超过 64 MB,没有保存;请压缩或拆分 / the file is larger than 64 MB, nothing was saved: "
                        "compress or split it");
        if (piece.size() < kPieceBytes) break;
    }
    if (size == 0) return fail(Errc::bad_input, "文件是空的,没有保存 / the file is empty, nothing was saved");
    return std::pair(hasher.finish(), size);
}

Result<> Contents::keep(const Source& source, const Hash& hash, std::uint64_t size, const std::string& unit) {
    TRY(const auto known, look(hash));
    if (known && known->whole) return {};
    TRY(const auto finished, blobs_.size_of(hash));
    if (!finished) {
        for (std::uint64_t at = 0; at < size;) {
            TRY(const auto piece, source(at, kPieceBytes));
            if (piece.empty()) break;
            TRY_VOID(blobs_.write_part(hash, at, piece, false));
            at += piece.size();
        }
        TRY(const bool fit, fits(hash, size, true));
        if (!fit) {
            TRY_VOID(lose(hash));
            return fail(Errc::bad_input,
                        "读取时文件被改动,没有保存,请再试 / the file was changed while it was read, nothing was saved: "
                        "try again");
        }
        TRY_VOID(blobs_.finish(hash, size));
    }
    return index_.replica().batch([&]() -> Result<> {
        TRY_VOID(index_.add(hash, size, unit, false));
        if (known && known->size != size) TRY_VOID(index_.set_size(hash, size));
        return index_.set_whole(hash);
    });
}

Result<> Contents::drop_unnamed(const Hash& hash) {
    TRY(const auto refs, index_.references(hash));
    if (!refs.empty()) return {};
    checked_.erase(hash);
    TRY_VOID(index_.remove(hash));
    return blobs_.drop(hash);
}

Result<> Contents::drop_evicted() {
    TRY(const auto all, index_.all());
    for (const auto& c : all) {
        if (c.whole && c.sent != Sent::there) continue;
        TRY(const auto refs, index_.references(c.hash));
        if (!refs.empty()) continue;
        TRY_VOID(blobs_.drop_part(c.hash));
        TRY_VOID(drop_unnamed(c.hash));
    }
    return {};
}

// ------------------------------------------------------------------ the account and the bytes in step

Result<bool> Contents::fits(const Hash& hash, std::uint64_t size, bool is_part) {
    Hasher hasher;
    for (std::uint64_t at = 0; at < size;) {
        const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(kPieceBytes, size - at));
        TRY(const auto piece, is_part ? blobs_.read_part(hash, at, want) : blobs_.read(hash, at, want));
        if (piece.size() != want) return false;
        hasher.add(piece);
        at += want;
    }
    if (hasher.finish() != hash) return false;
    if (checked_.size() >= kCheckedMax) checked_.clear();
    checked_.insert(hash);
    return true;
}

Result<> Contents::lose(const Hash& hash) {
    checked_.erase(hash);
    TRY(const auto c, index_.find(hash));
    // One that was here is asked for again, above and below.
    if (c && c->whole) TRY_VOID(index_.set_wanted(hash, kWantedHere));
    TRY_VOID(index_.set_lost(hash));
    TRY_VOID(blobs_.drop_part(hash));
    return blobs_.drop(hash);
}

Result<std::optional<Content>> Contents::look(const Hash& hash) {
    TRY(auto c, index_.find(hash));
    if (!c) return c;
    TRY(const auto finished, blobs_.size_of(hash));
    if (c->whole) {
        if (finished == c->size) return c;
        TRY_VOID(lose(hash));  // the folder was put back from elsewhere, or lost
    } else {
        TRY(const auto gap, index_.missing(*c));
        // A crash between giving the file its name and saying so, or before all of it was checked.
        if (!gap.empty() && finished != c->size) return c;
        TRY(const auto taken, finish(*c));
        (void)taken;
    }
    return index_.find(hash);
}

Result<Contents::Taken> Contents::finish(const Content& c) {
    TRY(const auto finished, blobs_.size_of(c.hash));
    TRY(const bool fit, fits(c.hash, c.size, !finished));
    if (!fit) {
        TRY_VOID(lose(c.hash));
        return Taken::damaged;
    }
    if (!finished) TRY_VOID(blobs_.finish(c.hash, c.size));
    TRY_VOID(index_.set_whole(c.hash));
    return Taken::whole;
}

Result<> Contents::stage(const wire::ContentRange& r) {
    if (!is_sound(r, r.size) || r.size > kContentBytesMax)
        return fail(Errc::bad_input, "附件内容有损坏 / a stretch of a content is damaged");
    TRY(const auto finished, blobs_.size_of(r.content));
    return finished ? Result<>() : blobs_.write_part(r.content, r.offset, r.bytes, true);
}

Result<Contents::Taken> Contents::take_staged(const Hash& hash, Span span) {
    TRY(const auto c, index_.find(hash));
    if (!c) return fail(Errc::internal, "take_staged: a content that is not in the account");
    if (c->whole) return Taken::whole;
    TRY_VOID(index_.note_range(hash, span));
    TRY(const auto gap, index_.missing(*c));
    return gap.empty() ? finish(*c) : Result<Taken>(Taken::part);
}

Result<Contents::Taken> Contents::take(const wire::ContentRange& r) {
    TRY(const auto c, index_.find(r.content));
    if (!c) return fail(Errc::internal, "take: a content that is not in the account");
    if (c->whole) return Taken::whole;
    if (!is_sound(r, c->size)) return Taken::damaged;
    TRY_VOID(blobs_.write_part(r.content, r.offset, r.bytes, true));
    return take_staged(r.content, {r.offset, r.offset + r.bytes.size()});
}

// ------------------------------------------------------------------ giving

Result<std::string> Contents::read(const Hash& hash, std::uint64_t offset, std::size_t bytes) {
    TRY(const auto c, look(hash));
    if (!c || !c->whole) return not_here(hash);
    if (!checked_.contains(hash)) {
        TRY(const bool fit, fits(hash, c->size, false));
        if (!fit) {
            TRY_VOID(lose(hash));
            return not_here(hash);
        }
    }
    return blobs_.read(hash, offset, bytes);
}

Result<wire::ContentRange> Contents::range(const Content& c, std::uint64_t offset, std::size_t bytes) {
    wire::ContentRange r;
    r.content = c.hash;
    r.size = c.size;
    r.offset = offset;
    TRY(r.bytes, read(c.hash, offset, bytes));
    r.check = wire::range_check(r.bytes);
    return r;
}

Result<std::optional<Reference>> Contents::reference_for(const std::string& unit, const Hash& hash) {
    TRY(auto all, index_.references(hash));
    for (auto& ref : all)
        if (index_.replica().control().holds(unit, ref.stream)) return std::optional(std::move(ref));
    return std::optional<Reference>();
}

Result<std::optional<Reference>> Contents::reference_from(const std::string& unit, const Hash& hash) {
    TRY(auto held, reference_for(unit, hash));
    if (held) return held;
    TRY(auto all, index_.references(hash));
    for (auto& ref : all)
        if (index_.replica().control().held_ever(unit, ref.stream)) return std::optional(std::move(ref));
    return std::optional<Reference>();
}

Result<Content> Contents::expect(const Hash& hash) {
    TRY(auto known, look(hash));
    if (known) return *known;
    TRY(const auto all, index_.references(hash));
    if (all.empty())
        return fail(Errc::not_found, "本机没有引用这个内容的记录,或所记大小不对:" + hash.hex().substr(0, 12) +
                                         "… / no record here names this content with a size that makes sense: " +
                                         hash.hex().substr(0, 12) + "…");
    const auto& ref = all.front();
    TRY_VOID(index_.add(hash, ref.size, ref.stream.unit, false));
    TRY(known, look(hash));
    return *known;
}

}  // namespace taizhang::files
