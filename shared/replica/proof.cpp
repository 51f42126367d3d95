// Signatures: a commit of somebody else enters the log only under a signature of its author.
//
// An author signs the hash of a commit; the hash covers the commit before it, so one signature covers the chain down to
// the first. In the transaction that writes to a chain its newest commit is signed, and one in between wherever
// kSegmentBytes have come together, so that whoever passes the chain on can end a message there. A message ends each of
// its chains with a signature; what it brings is proved by itself, whatever of the chain is here already.
#include "base/id_from.h"
#include "replica/impl.h"
#include "replica/open_ends.h"

#include <algorithm>
#include <map>

namespace taizhang {
namespace {

// Higher: a bad link carries larger pieces of what others wrote; lower: more signatures in the log.
constexpr std::size_t kSegmentBytes = 4u << 10;
constexpr std::size_t kSignatureMax = 256;
// Fewer commits are hashed before another core has woken up.
constexpr std::size_t kSharedMin = 64;

}  // namespace

std::string Replica::Impl::sign_head(const Hash& hash) const {
    return options.keys.device->sign(kForHead, taizhang::view(hash.bytes));
}

/// The signature under a commit that is being written, if its chain is due for one.
std::string Replica::Impl::signature_due(int stream, int replica, const Hash& hash, std::uint64_t lsn,
                                         std::size_t bytes) {
    if (!control.is_signed() || !is_own_key(replica_ids[replica])) return {};
    auto& due = to_sign[chain_key(stream, replica)];
    due.bytes += bytes;
    due.lsn = lsn;
    due.hash = hash;
    if (due.bytes < kSegmentBytes) return {};
    to_sign.erase(chain_key(stream, replica));
    return sign_head(hash);
}

/// One signature for each chain that this transaction went on with, under its newest commit.
Result<> Replica::Impl::sign_own() {
    if (to_sign.empty()) return {};
    TRY(auto s, db->prepare("UPDATE log SET sig = ?2 WHERE lsn = ?1"));
    for (const auto& [chain, due] : to_sign) {
        const auto signature = sign_head(due.hash);
        s.bind(1, due.lsn).bind_blob(2, signature);
        TRY_VOID(s.run());
    }
    to_sign.clear();
    return {};
}

Result<std::vector<Proved>> Replica::prove(std::span<const std::string_view> packed,
                                           std::span<const HeadSignature> signatures) {
    auto& m = *impl_;
    std::vector<Proved> out(packed.size(), Proved::yes);
    if (!m.control.is_signed()) return out;
    std::vector<const std::string*> under(packed.size(), nullptr);
    for (const auto& s : signatures)
        if (s.index < under.size() && s.signature.size() <= kSignatureMax) under[s.index] = &s.signature;
    struct Item {
        ReplicaId replica;
        Hash hash, prev;
        bool is_read = false;
    };
    std::vector<Item> items(packed.size());
    const auto read = [&](std::size_t first, std::size_t past, Packer& packer) {
        std::string bytes;
        for (auto i = first; i < past; ++i) {
            if (!packer.unpack(packed[i], bytes)) continue;  // receive() says what is wrong with it
            const auto header = Commit::decode_header(bytes);
            if (!header) continue;
            items[i] = {header->replica, hash_of(bytes), header->prev, true};
        }
    };
    {
        const auto half = items.size() / 2;
        Task other_half(m.env.worker.get());
        other_half.begin([&] { read(half, items.size(), m.filling_packer); }, items.size() >= kSharedMin);
        read(0, half, m.packer);
        other_half.wait();
    }
    // Hashes that a later commit of the same author names as the one before it: nobody covers another's.
    std::map<std::pair<ReplicaId, Hash>, Proved> below;
    for (auto i = items.size(); i-- > 0;) {
        const auto& x = items[i];
        out[i] = Proved::no;
        if (!x.is_read) continue;
        const auto covered = below.find({x.replica, x.hash});
        const auto* cert = m.control.cert(x.replica);
        if (covered != below.end()) out[i] = covered->second;
        if (!cert)
            out[i] = Proved::unknown;
        else if (under[i] && cert->key().verify(kForHead, view(x.hash.bytes), *under[i]))
            out[i] = Proved::yes;
        else
            under[i] = nullptr;
        if (out[i] == Proved::no) continue;
        below[{x.replica, x.prev}] = out[i];
        if (out[i] == Proved::yes) m.proved.try_emplace(x.hash, under[i] ? *under[i] : std::string());
    }
    return out;
}

/// Every commit whose body is here lies under a signature of its author; what came with a state lies under the city's.
Result<> Replica::Impl::check_signatures() {
    if (!control.is_signed()) return {};
    TRY(auto s, db->prepare("SELECT lsn, stream, replica, seq, hash, body, sig FROM log ORDER BY stream, replica, seq "
                            "DESC",
                            false));
    std::uint64_t chain = ~std::uint64_t{0};
    std::unordered_set<Hash, HashOfHash> below;
    bool is_covered = false;
    std::string bytes;
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) return {};
        const auto here = chain_key(static_cast<int>(s.integer(1)), static_cast<int>(s.integer(2)));
        if (here != chain) {
            chain = here;
            is_covered = false;
            below.clear();
        }
        const auto& author = replica_ids[static_cast<int>(s.integer(2))];
        const auto* cert = control.cert(author);
        const auto hash = id_from<Hash>(s.blob(4));
        const bool is_forked = forked.contains(chain);
        const auto floor = floors.find(chain);
        const bool is_below = floor != floors.end() && s.unsigned_integer(3) <= floor->second.seq.value;
        if (!s.blob(6).empty() && (cert || !is_below)) {
            if (!cert || !cert->key().verify(kForHead, taizhang::view(hash.bytes), s.blob(6)))
                return fail(Errc::corrupt,
                            "签名与作者的密钥不符 / a signature does not fit its author's key: " + author.hex());
            is_covered = true;
            below.insert(hash);
        }
        if (s.blob(5).empty() || is_below) continue;
        if (is_forked ? !below.contains(hash) : !is_covered)
            return fail(Errc::corrupt, "日志第 " + std::to_string(s.integer(0)) + " 条没有作者的签名 / log entry " +
                                           std::to_string(s.integer(0)) + ": not signed by its author");
        if (!is_forked) continue;
        TRY_VOID(packer.unpack(s.blob(5), bytes));
        TRY(const auto header, Commit::decode_header(bytes));
        below.insert(header.prev);
    }
}

// ------------------------------------------------------------------ sending

void OpenEnds::add(const LogEntry& e) {
    if (!r_.control().is_signed()) return;
    const bool can_sign = r_.is_own_key(e.replica);
    auto& ends = (can_sign ? own_ : others_)[{e.stream_no, e.replica}];
    if (e.is_forked)
        std::erase(ends, e.prev);
    else
        ends.clear();
    if (e.signature.empty()) ends.push_back(e.hash);
    if (ends.empty()) (can_sign ? own_ : others_).erase({e.stream_no, e.replica});
}

void OpenEnds::sign(std::span<LogEntry> entries) const {
    for (auto& e : entries) {
        const auto it = own_.find({e.stream_no, e.replica});
        if (it != own_.end() && std::find(it->second.begin(), it->second.end(), e.hash) != it->second.end())
            e.signature = r_.sign_head(e.hash);
    }
}

bool Replica::is_own_key(const ReplicaId& replica) const { return impl_->is_own_key(replica); }
std::string Replica::sign_head(const Hash& hash) const { return impl_->sign_head(hash); }

void thin_signatures(std::span<LogEntry> entries) {
    std::map<std::pair<int, ReplicaId>, std::size_t> since;  // the last one that stays
    for (auto i = entries.size(); i-- > 0;) {
        auto& e = entries[i];
        const auto [it, is_last] = since.try_emplace({e.stream_no, e.replica}, 0);
        it->second += e.packed.size();
        if (e.signature.empty() || e.is_forked || is_last) continue;
        if (it->second < kSegmentBytes)
            e.signature.clear();
        else
            it->second = 0;
    }
}

}  // namespace taizhang
