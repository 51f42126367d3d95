// Taking a bundle: who it is from and for, then its city log, certificates and commits, what the sender holds.
#include "sync/bundle.h"
#include "sync/bundle_letter.h"
#include "sync/held.h"
#include "sync/restored.h"
#include "sync/session.h"
#include "sync/shown.h"
#include "sync/upstream_facts.h"

#include <algorithm>
#include <set>
#include <utility>

namespace taizhang::sync {
namespace {

constexpr std::size_t kPeersMax = 32;

Error unsigned_commits() {
    return fail(Errc::not_allowed,
                "文件里有没有作者签名的记录,没有导入任何内容 / the bundle has records that are not signed by their "
                "authors: nothing was imported");
}

/// Whether the sender is who the bundle says, by his certificate, and wrote it so. False: that cannot be judged before
/// earlier parts are here; its commits speak for themselves, its word on others counts for nothing.
Result<bool> check_sender(Replica& r, const Letter& letter) {
    if (!r.control().is_signed()) return true;
    const auto& b = letter.bundle;
    const auto* cert = r.control().cert(b.from);
    if (!cert && b.control_after > r.control().head()) return false;
    if (r.control().revocation(b.from))
        return fail(Errc::not_allowed, "文件来自已吊销的电脑(" + b.unit +
                                           "),没有导入 / the bundle is of a revoked device of " + b.unit +
                                           ": nothing was imported");
    if (!cert || letter.signer != b.from || cert->unit != b.unit || cert->level != b.level ||
        !cert->key().verify(kForBundle, letter.contents, letter.signature))
        return fail(Errc::not_allowed, "文件的签名与 " + b.unit +
                                           " 的登记不符,没有导入 / the bundle is not signed by a "
                                           "device of " +
                                           b.unit + ": nothing was imported");
    return true;
}

/// Who may import it: refused in one line before anything is touched.
Result<> check_receiver(Replica& r, const wire::Bundle& b) {
    const auto* own = r.control().cert(r.id());
    if (!own) return fail(Errc::not_allowed, "本机还没有登记,请先 enrol / not enrolled yet: run enrol first");
    if (b.city != r.control().city_mark())
        return fail(Errc::not_allowed,
                    "这个文件属于另一个城市,没有导入 / this bundle is of another city: nothing was imported");
    if (!b.to.empty() && b.to != own->unit)
        return fail(Errc::not_allowed, "这个文件是给 " + b.to + " 的,本机属于 " + own->unit +
                                           ",没有导入 / this bundle is for " + b.to + ", this node belongs to " +
                                           own->unit + ": nothing was imported");
    const auto head = r.control().head();
    if (b.to.empty() && b.from != r.id() &&
        !r.control().is_at_or_below(b.unit, r.control().authority(own->unit, head), head))
        return fail(Errc::not_allowed, "这个文件来自 " + b.unit + ",要交给它的上级,没有导入 / this bundle is from " +
                                           b.unit + ", for those above it: nothing was imported");
    for (const auto& range : b.ranges)
        if (!r.control().holds(own->unit, range.after.stream) && b.control <= head)
            return fail(Errc::not_allowed, range.after.stream.str() + " 不在本机的范围内,没有导入 / " +
                                               range.after.stream.str() +
                                               " is outside this node's scope: nothing was imported");
    return {};
}

Result<> take_control(Replica& r, const wire::Bundle& b, BundleTaken& out) {
    if (b.control_after > r.control().head()) {
        out.missing.push_back("缺市级日志第 " + std::to_string(r.control().head().value + 1) + "–" +
                              std::to_string(b.control_after.value) + " 条 / the city's log " +
                              std::to_string(r.control().head().value + 1) + "–" +
                              std::to_string(b.control_after.value) + " is missing");
        return {};
    }
    return r.receive_control(b.control_entries);
}

/// Of a stream that neither this unit nor the author ever held: no hub would take it from here.
bool is_out_of_scope(const Replica& r, const CommitHeader& h) {
    const auto& control = r.control();
    const auto* own = control.cert(r.id());
    const auto* author = control.cert(h.replica);
    return own && author && h.control <= control.head() && !control.held_ever(own->unit, h.stream) &&
           !control.held_ever(author->unit, h.stream);
}

/// The commits of a bundle: admitted together, and from the first of a chain that does not follow, the rest of the
/// chain is held.
class Commits {
public:
    Commits(Replica& r, const wire::Bundle& b, Origin origin)
        : r_(r), b_(b), origin_(origin), signatures_(b.commits.size()) {
        for (const auto& s : b.signatures)
            if (s.index < signatures_.size()) signatures_[s.index] = s.signature;
    }

    Result<> take(BundleTaken& out) {
        const std::vector<std::string_view> all(b_.commits.begin(), b_.commits.end());
        TRY(const auto proofs, prove(r_, all, b_.signatures));
        if (std::find(proofs.begin(), proofs.end(), Proved::no) != proofs.end()) return unsigned_commits();
        TRY_VOID(read());
        std::vector<std::size_t> rest;
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (is_out_of_scope(r_, headers_[i])) continue;
            if (proofs[i] == Proved::yes)
                rest.push_back(i);
            else
                TRY_VOID(hold_one(i, false, out));  // its author is not known yet
        }
        while (!rest.empty()) TRY_VOID(admit(rest, out));
        return {};
    }

private:
    /// Where each belongs: in one of the bundle's ranges.
    Result<> read() {
        Packer packer;
        std::string raw;
        for (const auto& packed : b_.commits) {
            if (!packer.unpack(packed, raw)) return damaged_bundle();
            auto header = Commit::decode_header(raw);
            if (!header) return damaged_bundle();
            const bool in_range = std::any_of(b_.ranges.begin(), b_.ranges.end(), [&](const auto& x) {
                return x.after.stream == header->stream && x.after.replica == header->replica &&
                       x.after.seq < header->seq && header->seq <= x.last;
            });
            if (!in_range) return damaged_bundle();
            headers_.push_back(std::move(*header));
        }
        return {};
    }

    /// Those that receive() looks at: it stops behind one that is broken. `rest` keeps the others, as far as their
    /// chains go on.
    Result<> admit(std::vector<std::size_t>& rest, BundleTaken& out) {
        std::vector<std::string_view> packed;
        for (const auto i : rest) packed.emplace_back(b_.commits[i]);
        TRY(const auto done, r_.receive(packed, origin_));
        if (origin_ == Origin::below) TRY_VOID(note_from_below(r_, done));
        std::vector<std::size_t> left;
        for (std::size_t k = 0; k < rest.size(); ++k) {
            const auto i = rest[k];
            if (k >= done.size()) {
                if (!is_stuck(i))
                    left.push_back(i);
                else
                    TRY_VOID(hold_one(i, true, out));
                continue;
            }
            if (done[k].admission == Admission::admitted) {
                ++out.taken;
            } else if (done[k].admission == Admission::duplicate) {
                out.known += !is_shown(headers_[i].replica);
            } else {
                stuck_.emplace(headers_[i].stream, headers_[i].replica);
                TRY_VOID(hold_one(i, true, out));
            }
        }
        rest = std::move(left);
        return {};
    }

    /// With it what the city says two of at its place, where this one is a checkpoint.
    Result<> hold_one(std::size_t i, bool is_proved, BundleTaken& out) {
        const auto& packed = b_.commits[i];
        Packer packer;
        std::string raw;
        Commit c;
        TRY_VOID(packer.unpack(packed, raw));
        if (!c.decode(raw)) return damaged_bundle();
        if (is_proved) TRY_VOID(note_contradicting_checkpoint(r_, c, packed, signatures_[i]));
        ++out.held;
        return hold(r_, c.header, c.hash, origin_, packed, signatures_[i]);
    }

    bool is_stuck(std::size_t i) const { return stuck_.contains({headers_[i].stream, headers_[i].replica}); }

    /// What the city wrote comes up to be compared; to have it already is no news.
    bool is_shown(const ReplicaId& author) const {
        const auto& control = r_.control();
        const auto* own = control.cert(r_.id());
        const auto* cert = control.cert(author);
        return cert && cert->unit == control.root() && own->unit != b_.unit &&
               control.is_at_or_below(b_.unit, own->unit, control.head());
    }

    Replica& r_;
    const wire::Bundle& b_;
    const Origin origin_;
    std::vector<std::string_view> signatures_;  ///< by commit
    std::vector<CommitHeader> headers_;
    std::set<std::pair<StreamId, ReplicaId>> stuck_;  ///< chains of which one did not follow
};

/// What those above have, as far as it tells of commits that are here too.
Result<> take_receipts(Replica& r, const wire::Bundle& b, bool is_newest) {
    const auto* own = r.control().cert(r.id());
    const auto head = r.control().head();
    if (b.from == r.id() || !r.control().is_at_or_below(own->unit, r.control().authority(b.unit, head), head) ||
        b.unit == own->unit)
        return {};
    auto raise = [&](const wire::Ack& a) -> Result<> {
        TRY(const auto before, level_ack(r, a.at.stream, a.at.replica, a.level));
        TRY(const bool forked, r.is_forked(a.at.stream, a.at.replica));
        TRY(const auto known, r.hashes_at(a.at.stream, a.at.replica, a.at.seq));
        if (forked || a.at.seq <= before || std::find(known.begin(), known.end(), a.at.hash) == known.end()) return {};
        return learn_ack(r, a);
    };
    if (!b.hub.is_zero())
        for (const auto& h : b.heads) TRY_VOID(raise({h, b.level, {}, {}}));
    for (const auto& a : b.acks) {
        if (a.level < b.level) continue;
        if (r.control().is_signed()) {
            TRY_VOID(take_ack(r, a));
        } else if (a.level > b.level) {
            TRY_VOID(raise(a));
        }
    }
    TRY(const auto hub, upstream_hub(r));
    if (!is_newest || hub.hub.is_zero() || hub.hub != b.hub) return {};
    // The hub itself, later than what we knew: what it does not name it lacks. What a file says is compared once more
    // when there is a link: the file may be older than a backup that the hub came back from.
    TRY_VOID(learn_hub_heads(r, b.heads, b.level));
    return forget_cursor(r);
}

/// Keeps what the sender holds, for the way back. Gives whether this is the newest word of it.
Result<bool> remember_peer(Replica& r, const wire::Bundle& b) {
    if (b.from == r.id()) return true;  // what its colleagues have one's own file does not tell
    const auto key = peers_of(b.unit) + b.from.hex();
    TRY(const auto bytes, r.fact(key));
    wire::Bundle known;
    if (!bytes.empty() && wire::decode(bytes, known) && known.made_ms > b.made_ms) return false;
    TRY(const auto all, r.facts(peers_of(b.unit)));
    if (bytes.empty() && all.size() >= kPeersMax) return true;
    wire::Bundle word;
    word.from = b.from;
    word.unit = b.unit;
    word.made_ms = b.made_ms;
    word.control = b.control;
    word.heads = b.heads;
    TRY_VOID(r.set_fact(key, wire::encode(word)));
    return true;
}

}  // namespace

Result<BundleTaken> take_bundle(Replica& r, std::string_view file, const BundleStep& before, const BundleStep& after) {
    TRY(const auto letter, unseal(r, file));
    const auto& b = letter.bundle;
    TRY_VOID(check_receiver(r, b));
    if (before) TRY_VOID(before(b));
    BundleTaken out;
    out.unit = b.unit;
    out.part = b.part;
    out.parts = b.parts;
    out.made_ms = b.made_ms;
    TRY(const auto hub, upstream_hub(r));
    TRY_VOID(r.batch([&]() -> Result<> {
        TRY_VOID(take_control(r, b, out));
        TRY_VOID(take_certificates(r, b.certificates));
        TRY(const bool is_known, check_sender(r, letter));
        const auto origin = is_known && !hub.hub.is_zero() && hub.hub == b.hub ? Origin::upstream : Origin::below;
        TRY_VOID(Commits(r, b, origin).take(out));
        TRY(out.released, release_held(r));
        if (!is_known) return {};
        if (!b.control_entries.empty()) TRY_VOID(note_met(r, b.from, b.control));
        TRY(const bool is_newest, remember_peer(r, b));
        return take_receipts(r, b, is_newest);
    }));
    if (after) TRY_VOID(after(b));
    TRY(const auto open, gaps(r));
    for (const auto& g : open) out.missing.push_back(g.line());
    return out;
}

}  // namespace taizhang::sync
