#include "replica/checkpoint_file.h"

#include "base/id_from.h"

#include <algorithm>
#include <map>
#include <set>

namespace taizhang {
namespace {

constexpr std::string_view kMagic = "TZC\1";
constexpr std::size_t kStreamsMax = 1u << 20, kCertificatesMax = 64;

std::string place(const StreamId& stream, const Tip& tip) {
    return stream.str() + " " + tip.replica.hex().substr(0, 8) + " #" + std::to_string(tip.seq.value);
}

std::string both(const std::string& where, const char* zh, const char* en) { return where + zh + " / " + where + en; }

// ------------------------------------------------------------------ what is here

/// Reads the tables of the log directly: what is asked for has no place in the replica's own work.
class Here {
public:
    explicit Here(Replica& r) : r_(r) {}

    Result<std::string> first_entry() {
        TRY(const auto first, r_.control_after(ControlPos{0}, 1));
        return first.empty() ? std::string() : first.front();
    }

    /// Of a chain without forks its newest commit, else every commit that none follows.
    Result<std::vector<Tip>> tips_of(const ChainHead& head) {
        TRY(const bool forked, r_.is_forked(head.stream, head.replica));
        if (!forked) return std::vector<Tip>{{head.replica, head.seq, head.hash}};
        TRY(auto s, r_.database().prepare("SELECT l.seq, l.hash, l.body FROM log l JOIN stream s ON s.no = l.stream "
                                          "JOIN replica r ON r.no = l.replica WHERE s.unit = ?1 AND s.audience = ?2 "
                                          "AND r.id = ?3 ORDER BY l.seq DESC, l.lsn",
                                          false));
        s.bind(1, std::string_view(head.stream.unit)).bind(2, static_cast<int>(head.stream.audience));
        s.bind_blob(3, view(head.replica.bytes));
        std::vector<Tip> out;
        std::set<Hash> followed;
        std::string bytes;
        for (;;) {
            TRY(const bool row, s.step());
            if (!row) return out;
            const Tip t{head.replica, Seq{s.unsigned_integer(0)}, id_from<Hash>(s.blob(1))};
            if (!followed.contains(t.hash)) out.push_back(t);
            if (s.blob(2).empty()) continue;  // its body was dropped
            TRY_VOID(packer_.unpack(s.blob(2), bytes));
            TRY(const auto h, Commit::decode_header(bytes));
            followed.insert(h.prev);
        }
    }

    /// Chains of which nothing is in the log: they lie in the state that this node began with.
    Result<std::vector<std::pair<StreamId, Tip>>> floors() {
        std::vector<std::pair<StreamId, Tip>> out;
        TRY(auto s, r_.database().prepare(
                        "SELECT f.stream, r.id, f.seq, f.hash FROM floor f JOIN replica r ON r.no = f.replica WHERE "
                        "NOT EXISTS (SELECT 1 FROM log l WHERE l.stream = f.stream AND l.replica = f.replica AND "
                        "l.seq >= f.seq)",
                        false));
        for (;;) {
            TRY(const bool row, s.step());
            if (!row) return out;
            const Tip t{id_from<ReplicaId>(s.blob(1)), Seq{s.unsigned_integer(2)}, id_from<Hash>(s.blob(3))};
            out.emplace_back(r_.stream_name(static_cast<int>(s.integer(0))), t);
        }
    }

    /// Whether the commit lies in the state that this node began with: 1 it does, 0 another does, -1 neither.
    Result<int> in_state(const StreamId& stream, const Tip& tip) {
        TRY(auto s, r_.database().prepare("SELECT f.seq, substr(f.marks, (?4 - 1) * (length(f.marks) / f.seq) + 1, 8) "
                                          "FROM floor f JOIN stream s ON s.no = f.stream JOIN replica r ON r.no = "
                                          "f.replica WHERE s.unit = ?1 AND "
                                          "s.audience = ?2 AND r.id = ?3",
                                          false));
        s.bind(1, std::string_view(stream.unit)).bind(2, static_cast<int>(stream.audience));
        s.bind_blob(3, view(tip.replica.bytes)).bind(4, tip.seq.value);
        TRY(const bool row, s.step());
        if (!row || s.unsigned_integer(0) < tip.seq.value) return -1;
        return s.blob(1) == view(tip.hash.bytes).substr(0, 8) ? 1 : 0;
    }

    Result<std::optional<Hash>> control_hash(ControlPos at) {
        TRY(auto s, r_.database().prepare("SELECT hash FROM control WHERE pos = ?1", false));
        s.bind(1, at.value);
        TRY(const bool row, s.step());
        if (!row) return std::optional<Hash>();
        return std::optional<Hash>(id_from<Hash>(s.blob(0)));
    }

    /// Places up to the tip at which two commits stand.
    Result<std::vector<Seq>> doubled(const StreamId& stream, const Tip& tip) {
        std::vector<Seq> out;
        TRY(auto s, r_.database().prepare(
                        "SELECT l.seq FROM log l JOIN stream s ON s.no = l.stream JOIN replica r ON r.no = l.replica "
                        "WHERE s.unit = ?1 AND s.audience = ?2 AND r.id = ?3 AND l.seq <= ?4 GROUP BY l.seq HAVING "
                        "count(*) > 1 ORDER BY l.seq",
                        false));
        s.bind(1, std::string_view(stream.unit)).bind(2, static_cast<int>(stream.audience));
        s.bind_blob(3, view(tip.replica.bytes)).bind(4, tip.seq.value);
        for (;;) {
            TRY(const bool row, s.step());
            if (!row) return out;
            out.push_back(Seq{s.unsigned_integer(0)});
        }
    }

private:
    Replica& r_;
    Packer packer_;
};

/// Whose file it is, by the certificates in it and this node's control log.
Result<Certificate> signer_of(Replica& r, const CheckpointFile& f) {
    const auto refused = fail(Errc::denied,
                              "这个检查点不是本市登记过的电脑签的,没有采用 / this checkpoint is not signed by an "
                              "enrolled device of this city: it was not used");
    TRY(const auto first, Here(r).first_entry());
    if (first != f.city_entry)
        return fail(Errc::denied, "这个检查点属于另一个城市 / this checkpoint is of another city");
    if (f.certificates.empty()) return refused;
    ControlState control;
    TRY(const auto entries, r.control_after(ControlPos{0}, ~std::size_t{0}));
    for (const auto& bytes : entries) {
        TRY(const auto e, ControlEntry::decode(bytes));
        TRY_VOID(control.apply(e, ControlState::Trust::checked));
    }
    Certificate last;
    for (const auto& body : f.certificates) {
        auto cert = Certificate::decode(body);
        if (!cert) return refused;
        const auto judged = control.judge(*cert);
        if (judged.verdict == ControlState::Verdict::waits)
            return fail(Errc::not_found,
                        "检查点依据的市级日志还没有到本机,请先同步 / this checkpoint rests on a part of the city's log "
                        "that is not here yet: sync first");
        if (judged.verdict == ControlState::Verdict::bad) return refused;
        TRY_VOID(control.add(*cert));
        last = std::move(*cert);
    }
    if (!last.key().verify(kForCheckpoint, f.body(), f.signature)) return refused;
    if (control.revocation(last.replica))
        return fail(Errc::denied,
                    "签这个检查点的电脑已被吊销,没有采用 / the device that signed this checkpoint was revoked: it was "
                    "not used");
    return last;
}

}  // namespace

// ------------------------------------------------------------------ bytes

std::string CheckpointFile::body() const {
    std::string out;
    Writer w(out);
    w.u8(1);
    w.str(city_entry);
    w.varint(certificates.size());
    for (const auto& c : certificates) w.str(c);
    w.zigzag(at_ms);
    w.varint(control.value);
    w.raw(view(control_hash.bytes));
    w.varint(streams.size());
    for (const auto& s : streams) {
        w.str(s.stream.str());
        w.varint(s.tips.size());
        for (const auto& t : s.tips) {
            w.raw(view(t.replica.bytes));
            w.varint(t.seq.value);
            w.raw(view(t.hash.bytes));
        }
    }
    return out;
}

std::string CheckpointFile::encode() const {
    std::string out(kMagic);
    Writer w(out);
    w.str(body());
    w.str(signature);
    out += view(hash_of(out).bytes);
    return out;
}

Result<CheckpointFile> CheckpointFile::decode(std::string_view bytes) {
    if (!bytes.starts_with(kMagic)) return fail(Errc::bad_input, "这不是检查点文件 / this is not a checkpoint file");
    const auto damaged =
        fail(Errc::bad_input, "检查点文件已损坏,请用另一份 / the checkpoint file is damaged: use another copy of it");
    if (bytes.size() < kMagic.size() + 32) return damaged;
    const auto signed_bytes = bytes.substr(0, bytes.size() - 32);
    if (view(hash_of(signed_bytes).bytes) != bytes.substr(bytes.size() - 32)) return damaged;
    Reader frame(signed_bytes.substr(kMagic.size()));
    Reader r(frame.str());
    CheckpointFile f;
    f.signature = std::string(frame.str());
    if (!frame.done() || r.u8() != 1) return damaged;
    f.city_entry = std::string(r.str());
    auto n = r.size();
    if (n > kCertificatesMax) return damaged;
    for (; n > 0 && r.ok(); --n) f.certificates.emplace_back(r.str());
    f.at_ms = r.zigzag();
    f.control = ControlPos{r.varint()};
    f.control_hash.bytes = r.array<32>();
    n = r.size();
    if (n > kStreamsMax) return damaged;
    for (; n > 0 && r.ok(); --n) {
        OfStream s{StreamId::parse(r.str()), {}};
        if (s.stream.unit.empty()) r.poison();
        for (auto tips = r.size(); tips > 0 && r.ok(); --tips) {
            Tip t;
            t.replica.bytes = r.array<16>();
            t.seq = Seq{r.varint()};
            t.hash.bytes = r.array<32>();
            if (t.seq.value == 0 || t.seq.value > std::uint64_t{1} << 48) r.poison();
            s.tips.push_back(t);
        }
        f.streams.push_back(std::move(s));
    }
    if (!r.done()) return damaged;
    return f;
}

// ------------------------------------------------------------------ making and comparing

Result<std::string> make_checkpoint_file(Replica& r) {
    const auto& key = r.keys().device;
    if (!r.control().is_signed() || !r.control().cert(r.id()) || !key || !r.can_sign())
        return fail(Errc::not_allowed,
                    "本机没有登记过的密钥,不能签检查点文件 / this node has no enrolled key: it cannot sign a "
                    "checkpoint file");
    Here here(r);
    CheckpointFile f;
    TRY(f.city_entry, here.first_entry());
    f.certificates = r.certificate_chain(r.id());
    f.at_ms = r.now().ms;
    f.control = r.control().head();
    f.control_hash = r.control().head_hash();
    std::map<StreamId, std::vector<Tip>> streams;
    TRY(const auto heads, r.chain_heads());
    for (const auto& h : heads) {
        TRY(const auto tips, here.tips_of(h));
        auto& all = streams[h.stream];
        all.insert(all.end(), tips.begin(), tips.end());
    }
    TRY(const auto floors, here.floors());
    for (const auto& [stream, tip] : floors) streams[stream].push_back(tip);
    for (auto& [stream, tips] : streams) f.streams.push_back({stream, std::move(tips)});
    f.signature = key->sign(kForCheckpoint, f.body());
    return f.encode();
}

Result<CheckpointFindings> compare_with(Replica& r, std::string_view bytes) {
    TRY(const auto f, CheckpointFile::decode(bytes));
    TRY(const auto signer, signer_of(r, f));
    Here here(r);
    CheckpointFindings out{signer.unit, signer.label, signer.level, signer.replica, f.at_ms};
    TRY(const auto control, here.control_hash(f.control));
    const auto log_name = "city log #" + std::to_string(f.control.value);
    if (!control)
        out.missing.push_back(both(log_name, " 不在本机", " is not here"));
    else if (*control != f.control_hash)
        out.differs.push_back(both(log_name, " 与检查点的不同", " differs from the checkpoint's"));

    const auto* own = r.control().cert(r.id());
    const auto streams = r.streams();
    for (const auto& s : f.streams) {
        const bool is_here = std::find(streams.begin(), streams.end(), s.stream) != streams.end();
        if (!is_here && own && !r.control().holds(own->unit, s.stream)) {
            ++out.not_held;
            continue;
        }
        ++out.streams;
        for (const auto& t : s.tips) {
            ++out.chains;
            out.commits += t.seq.value;
            TRY(const auto hashes, r.hashes_at(s.stream, t.replica, t.seq));
            bool is_same = std::find(hashes.begin(), hashes.end(), t.hash) != hashes.end();
            TRY(const int state, here.in_state(s.stream, t));
            is_same = is_same || (hashes.empty() && state == 1);
            if (!is_same && hashes.empty() && state < 0) {
                out.missing.push_back(both(place(s.stream, t), " 不在本机", " is not here"));
                continue;
            }
            if (!is_same) {
                out.differs.push_back(both(place(s.stream, t), " 与检查点的不同", " differs from the checkpoint's"));
                continue;
            }
            const auto branches =
                std::count_if(s.tips.begin(), s.tips.end(), [&](const auto& x) { return x.replica == t.replica; });
            if (branches > 1) continue;  // it was forked then already
            TRY(const auto doubled, here.doubled(s.stream, t));
            for (const auto& seq : doubled)
                out.added.push_back(both(place(s.stream, {t.replica, seq, {}}),
                                         " 处后来多出一条(插入的,或电脑被复制过)",
                                         " has a second commit since (inserted, or the PC was copied)"));
        }
    }
    return out;
}

}  // namespace taizhang
