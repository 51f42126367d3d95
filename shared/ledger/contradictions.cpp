#include "ledger/contradictions.h"

#include "ledger/times.h"
#include "replica/checkpoint.h"
#include "replica/contradiction.h"

#include <algorithm>
#include <cstdlib>

namespace taizhang::ledger {
namespace {

// Commits after the fork that are looked at for a checkpoint. More: slower for a city with a long forked chain.
constexpr int kLookMax = 2000;

/// Zero when it is none.
ReplicaId replica_of(std::string_view hex) {
    ReplicaId id;
    const auto raw = from_hex(hex);
    if (raw.size() == id.bytes.size()) std::memcpy(id.bytes.data(), raw.data(), raw.size());
    return id;
}

std::string day(std::int64_t ms) { return format_local(ms).substr(0, 16); }

/// The device goes on under another name, for which this one vouched: it found out by itself.
bool went_on_anew(const ControlState& control, const Certificate& cert) {
    return std::any_of(control.certs().begin(), control.certs().end(), [&](const auto& x) {
        return x.second.issuer_replica == cert.replica && x.first != cert.replica && x.second.key() == cert.key();
    });
}

Contradiction of_control(const std::string& at, const std::string& value) {
    Reader in(value);
    Contradiction c{Contradiction::Kind::control, at, static_cast<std::int64_t>(in.varint())};
    const auto when = day(c.noticed_ms);
    c.zh = "市级日志第 " + at + " 条有两个不同的版本,都有市级根密钥的签名(" + when +
           " 发现):本机保留先到的,两份都留作证据,请与市级核对";
    c.en = "the city's log has two entries at place " + at + ", both signed by the city's root key (noticed " + when +
           "): the first one stands here, both are kept as evidence; ask the city";
    return c;
}

Contradiction of_certificate(const ControlState& control, const std::string& replica, const std::string& value) {
    Reader in(value);
    Contradiction c{Contradiction::Kind::certificate, replica, static_cast<std::int64_t>(in.varint())};
    const auto other = Certificate::decode(in.str());
    const auto* counts = control.cert(replica_of(replica));
    const auto when = day(c.noticed_ms);
    const std::string mine = counts ? counts->unit : "?", theirs = other ? other->unit : "?";
    const std::string by = other ? other->issuer : "?";
    c.zh = "电脑 " + replica.substr(0, 8) + " 有两张单位不同的登记证书(" + when + " 发现):按 " + mine + " 的算," + by +
           " 签发的 " + theirs + " 的那张不算,两份都留作证据,请与 " + by + " 核对";
    c.en = "device " + replica.substr(0, 8) + " has two certificates for different units (noticed " + when +
           "): that of " + mine + " counts, the one for " + theirs + " by " + by +
           " does not; both are kept as evidence, ask " + by;
    return c;
}

Contradiction of_file(const std::string& value) {
    Reader in(value);
    Contradiction c{Contradiction::Kind::file, {}, static_cast<std::int64_t>(in.varint())};
    const std::string differs(in.str());
    c.where = std::string(in.str());
    const auto when = day(c.noticed_ms);
    const auto middle = differs.find(" / ");
    c.zh = "一份签过名的检查点与本机日志互相矛盾(" + when + " 发现):" + differs.substr(0, middle) + ";检查点留在 " +
           c.where + ",请与签发单位核对";
    c.en = "a signed checkpoint contradicts the log here (noticed " + when +
           "): " + (middle == std::string::npos ? differs : differs.substr(middle + 3)) + "; it is kept in " + c.where +
           ": ask the office that signed it";
    return c;
}

/// From its fork on, whether the chain has a checkpoint, and when its second branch came.
struct Forked {
    bool has_checkpoint = false;
    std::int64_t noticed_ms = 0;
};
Result<Forked> look_at(Replica& r, const StreamId& stream, const ReplicaId& replica, std::uint64_t from) {
    Forked out;
    TRY(auto s, r.database().prepare("SELECT l.seq, l.received_ms, l.body FROM log l JOIN stream s ON s.no = l.stream "
                                     "JOIN replica r ON r.no = l.replica WHERE s.unit = ?1 AND s.audience = ?2 AND "
                                     "r.id = ?3 AND l.seq >= ?4 ORDER BY l.seq LIMIT ?5",
                                     false));
    s.bind(1, std::string_view(stream.unit)).bind(2, static_cast<int>(stream.audience));
    s.bind_blob(3, view(replica.bytes)).bind(4, from).bind(5, kLookMax);
    Packer packer;
    std::string bytes;
    Commit c;
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) return out;
        if (s.unsigned_integer(0) == from) out.noticed_ms = std::max(out.noticed_ms, s.integer(1));
        if (out.has_checkpoint || s.blob(2).empty()) continue;
        TRY_VOID(packer.unpack(s.blob(2), bytes));
        out.has_checkpoint = c.decode(bytes).has_value() && checkpoint_of(c).has_value();
    }
}

Contradiction of_fork(const std::string& where, const Forked& f, bool is_explained) {
    Contradiction c{Contradiction::Kind::checkpoint, where, f.noticed_ms, is_explained};
    const auto when = day(f.noticed_ms);
    if (is_explained) {
        c.zh = "市级服务器曾被回滚或复制,在 " + where + " 处签过两次(" + when +
               " 发现):它自己发现后换了新编号,两份都保留,无需处理";
        c.en = "the city's server was rolled back or copied and signed twice at " + where + " (noticed " + when +
               "): it found that out and goes on under a new number; both are kept, nothing is to be done";
        return c;
    }
    c.zh = "市级在 " + where + " 处签过两个互相矛盾的检查点(" + when +
           " 发现):服务器被回滚、被复制,或对不同单位说法不一;两份都保留作证据,请与市级核对";
    c.en = "the city signed two checkpoints that contradict each other at " + where + " (noticed " + when +
           "): its server was rolled back or copied, or shows two faces; both are kept as evidence, ask the city";
    return c;
}

std::string place_of(std::string_view stream, std::string_view replica, const std::string& seq) {
    return std::string(stream) + " " + std::string(replica.substr(0, 8)) + " #" + seq;
}

/// A checkpoint that somebody below holds and that does not follow what is here.
Contradiction of_checkpoint(const ControlState& control, std::string_view chain, const std::string& value) {
    const auto slash = chain.rfind('/');
    const auto replica = chain.substr(slash + 1);
    Reader in(value);
    Forked f{true, static_cast<std::int64_t>(in.varint())};
    const auto where = place_of(chain.substr(0, slash), replica, std::to_string(in.varint()));
    const auto* cert = control.cert(replica_of(replica));
    return of_fork(where, f, cert && went_on_anew(control, *cert));
}

/// Whether both speak of the same chain: up to its number they say the same place.
bool is_of_chain(const Contradiction& a, const Contradiction& b) {
    return a.kind == b.kind && a.where.substr(0, a.where.find(" #")) == b.where.substr(0, b.where.find(" #"));
}

}  // namespace

std::string_view name_of(Contradiction::Kind kind) {
    switch (kind) {
        case Contradiction::Kind::control: return "control";
        case Contradiction::Kind::checkpoint: return "checkpoint";
        case Contradiction::Kind::file: return "file";
        case Contradiction::Kind::certificate: return "certificate";
    }
    return {};
}

Result<std::vector<Contradiction>> contradictions(Replica& r) {
    std::vector<Contradiction> out;
    TRY(const auto noted, r.facts(kContradiction));
    const std::string control = kContradiction + std::string("control/");
    const std::string certificate = kDoubledCertificate, checkpoint = kContradictingCheckpoint;
    std::vector<Contradiction> shown;
    for (const auto& [key, value] : noted) {
        if (key.starts_with(control))
            out.push_back(of_control(key.substr(control.size()), value));
        else if (key.starts_with(certificate))
            out.push_back(of_certificate(r.control(), key.substr(certificate.size()), value));
        else if (key.starts_with(checkpoint))
            shown.push_back(of_checkpoint(r.control(), key.substr(checkpoint.size()), value));
        else
            out.push_back(of_file(value));
    }
    TRY(const auto forks, r.facts("fork/"));
    for (const auto& [key, value] : forks) {
        const auto slash = key.rfind('/');
        const auto stream = StreamId::parse(std::string_view(key).substr(5, slash - 5));
        const auto id = replica_of(std::string_view(key).substr(slash + 1));
        const auto* cert = r.control().cert(id);
        if (!cert || cert->unit != r.control().root()) continue;
        TRY(const auto f, look_at(r, stream, id, std::strtoull(value.c_str(), nullptr, 10)));
        if (f.has_checkpoint)
            out.push_back(of_fork(place_of(stream.str(), id.hex(), value), f, went_on_anew(r.control(), *cert)));
    }
    // By now the whole of its branch may be here as well: one line for a chain.
    for (auto& c : shown)
        if (std::none_of(out.begin(), out.end(), [&](const auto& x) { return is_of_chain(x, c); }))
            out.push_back(std::move(c));
    return out;
}

Result<> note_contradicting_file(Replica& r, std::string_view file, const std::string& differs,
                                 const std::string& kept) {
    std::string value;
    Writer w(value);
    w.varint(static_cast<std::uint64_t>(std::max<std::int64_t>(0, r.now().ms)));
    w.str(differs);
    w.str(kept);
    const auto key = kContradiction + std::string("file/") + hash_of(file).hex().substr(0, 16);
    TRY(const auto known, r.fact(key));
    return known.empty() ? r.set_fact(key, value) : Result<>();
}

}  // namespace taizhang::ledger
