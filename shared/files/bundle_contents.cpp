#include "files/bundle_contents.h"

#include "sync/session.h"

#include <algorithm>
#include <cstring>

namespace taizhang::files {
namespace {

constexpr std::size_t kReceiptsMax = 1024, kWishesMax = 256, kQueueMax = 4096;

std::string wish_key(const std::string& unit, const ReplicaId& replica) {
    return "files/wish/" + unit + "/" + replica.hex();
}

}  // namespace

// ------------------------------------------------------------------ making

/// A receiver gets what a record in its scope names. Without a name it is whoever is above, and holds all that is here.
/// What a move took the record of from this node goes to whoever is above it.
Result<bool> BundleContents::may_have(const std::string& to, const Hash& hash) {
    if (to.empty()) return true;
    TRY(const auto ref, c_.reference_for(to, hash));
    if (ref) return true;
    TRY(const auto all, c_.index().references(hash));
    const auto& control = c_.index().replica().control();
    const auto* own = control.cert(c_.index().replica().id());
    return all.empty() && own && to != own->unit && control.is_at_or_below(own->unit, to, control.head());
}

Result<> BundleContents::choose(const sync::BundleOptions& o) {
    auto& r = c_.index().replica();
    const auto* own = r.control().cert(r.id());
    const auto head = r.control().head();
    const bool is_down =
        !o.to.empty() && own && r.control().is_at_or_below(o.to, r.control().authority(own->unit, head), head);
    std::vector<Content> list;
    if (o.all) {
        TRY(list, c_.index().newest(kQueueMax));
    } else if (is_down) {
        TRY(const auto facts, r.facts("files/wish/" + o.to + "/"));
        for (const auto& [key, hashes] : facts)
            for (std::size_t at = 0; at + 32 <= hashes.size(); at += 32) {
                Hash hash;
                std::memcpy(hash.bytes.data(), hashes.data() + at, 32);
                TRY(const auto c, c_.look(hash));
                if (c && c->whole) list.push_back(*c);
            }
    } else {
        TRY(list, c_.index().to_send(kQueueMax));
    }
    for (auto& c : list) {
        TRY(const bool may, may_have(o.to, c.hash));
        if (may) queue_.push_back(std::move(c));
    }
    return {};
}

Result<> BundleContents::prepare(sync::BundleOptions& o) {
    TRY_VOID(choose(o));
    TRY(const auto newest, c_.index().newest(kReceiptsMax));
    for (const auto& c : newest) {
        TRY(const bool may, may_have(o.to, c.hash));
        if (may) o.contents_here.push_back(c.hash);
    }
    TRY(const auto wanted, c_.index().wanted(kWantedHere, kWishesMax));
    for (const auto& c : wanted) o.contents_wanted.push_back(c.hash);
    o.next_content = [this](std::size_t bytes_max) { return next(bytes_max); };
    return {};
}

Result<std::optional<wire::ContentRange>> BundleContents::next(std::size_t bytes_max) {
    while (!queue_.empty() && room_ > 0) {
        const auto& c = queue_.front();
        const auto bytes = std::min<std::uint64_t>({bytes_max, c.size - at_, room_});
        auto range = c_.range(c, at_, static_cast<std::size_t>(bytes));
        if (!range && range.error().code != Errc::not_found) return range.error();
        if (!range || range->bytes.empty()) {  // it no longer fits its hash: never given
            queue_.pop_front();
            at_ = 0;
            continue;
        }
        if (at_ == 0) ++stats_.contents;
        at_ += range->bytes.size();
        room_ -= range->bytes.size();
        stats_.bytes += range->bytes.size();
        if (at_ >= c.size) {
            queue_.pop_front();
            at_ = 0;
        }
        return std::optional(std::move(*range));
    }
    stats_.left = queue_.size();
    return std::optional<wire::ContentRange>();
}

// ------------------------------------------------------------------ taking

/// Whether there is any use and room for it here. A part may come before the one with the records: the sender's unit
/// answers for it until then.
Result<bool> BundleContentsTaker::wants(const wire::Bundle& b, const wire::ContentRange& range) {
    TRY(const auto known, c_.look(range.content));
    if (known) return !known->whole && known->size == range.size;
    if (range.size == 0 || range.size > kContentBytesMax) return false;
    TRY(const auto quota, c_.index().quota());
    TRY(const auto used, c_.index().bytes_of(b.unit));
    if (used + range.size <= quota) return true;
    const auto line =
        b.unit + " 的附件配额已满,有附件没有导入 / the quota of " + b.unit + " is used up: a content was not imported";
    if (std::find(stats_.refused.begin(), stats_.refused.end(), line) == stats_.refused.end())
        stats_.refused.push_back(line);
    return false;
}

Result<> BundleContentsTaker::stage(const wire::Bundle& b) {
    for (const auto& range : b.contents) {
        TRY(const bool use, wants(b, range));
        if (use) TRY_VOID(c_.stage(range));
    }
    return {};
}

Result<> BundleContentsTaker::take(const wire::Bundle& b) {
    for (const auto& range : b.contents) {
        TRY(const bool use, wants(b, range));
        if (!use) continue;
        TRY(const auto refs, c_.index().references(range.content));
        const auto& payer = refs.empty() ? b.unit : refs.front().stream.unit;
        TRY_VOID(c_.index().add(range.content, range.size, payer, false));
        TRY(const auto taken, c_.take_staged(range.content, {range.offset, range.offset + range.bytes.size()}));
        ++stats_.stretches;
        if (taken == Contents::Taken::whole) ++stats_.whole;
    }
    TRY_VOID(take_receipts(b));
    return take_wishes(b);
}

/// Whoever is above has these: the hub itself needs them no more.
Result<> BundleContentsTaker::take_receipts(const wire::Bundle& b) {
    auto& r = c_.index().replica();
    const auto* own = r.control().cert(r.id());
    if (!own || b.hub.is_zero() || b.level <= own->level) return {};
    TRY(const auto hub, sync::upstream_hub(r));
    const bool is_hub = hub.hub == b.hub && hub.generation == b.generation;
    return r.batch([&]() -> Result<> {
        for (const auto& hash : b.contents_here) {
            TRY(const auto c, c_.index().find(hash));
            if (!c) continue;
            TRY_VOID(c_.index().learn_level(hash, b.level));
            if (is_hub && c->whole) TRY_VOID(c_.index().set_sent(hash, Sent::there));
        }
        return {};
    });
}

/// What the sender would like to have goes with the next bundle to it; what is not here either is asked for.
Result<> BundleContentsTaker::take_wishes(const wire::Bundle& b) {
    auto& r = c_.index().replica();
    if (b.from == r.id()) return {};
    std::string hashes;
    for (const auto& hash : b.contents_wanted) {
        if (hashes.size() >= kWishesMax * hash.bytes.size()) break;
        TRY(const auto ref, c_.reference_for(b.unit, hash));
        if (!ref) continue;
        TRY(const auto c, c_.expect(hash));
        if (!c.whole) TRY_VOID(c_.index().set_wanted(hash, kWantedHere));
        hashes += view(hash.bytes);
    }
    TRY(const auto known, r.fact(wish_key(b.unit, b.from)));
    return known == hashes ? Result<>() : r.set_fact(wish_key(b.unit, b.from), hashes);
}

}  // namespace taizhang::files
