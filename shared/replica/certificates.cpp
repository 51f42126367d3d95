// Who this node is, and whose certificates count here.
#include "replica/contradiction.h"
#include "replica/impl.h"
#include "replica/next_name.h"

#include <algorithm>
#include <cstring>

namespace taizhang {
namespace {

// Certificates that wait at most: those of one city's offices fit; somebody who sends others gains nothing.
constexpr std::size_t kWaitingCertificatesMax = 4096;
constexpr const char* kNextNonce = "next_nonce";  // fact: of the name for another unit

/// A name follows from the key, where there is one.
ReplicaId id_of(const Keys& keys, std::string_view nonce) {
    if (keys.device) return trust::replica_id(keys.device->public_key(), nonce);
    ReplicaId id;
    std::memcpy(id.bytes.data(), nonce.data(), id.bytes.size());
    return id;
}

}  // namespace

const Keys& Replica::keys() const { return impl_->options.keys; }

bool Replica::can_sign() const {
    const auto& m = *impl_;
    if (!m.control.is_signed() || m.is_own_key(m.self)) return true;
    // Enrolled a moment ago: the tree by which its certificate is judged is still on its way.
    const auto& list = m.waiting_certificates;
    return !m.control.cert(m.self) && m.options.keys.device &&
           std::any_of(list.begin(), list.end(), [&](const auto& c) {
               return c.replica == m.self && c.key() == m.options.keys.device->public_key();
           });
}

/// What this node signs for: itself, and replicas that it made (the import's authors).
bool Replica::Impl::is_own_key(const ReplicaId& replica) const {
    const auto* cert = control.cert(replica);
    return cert && options.keys.device && cert->key() == options.keys.device->public_key();
}

// ------------------------------------------------------------------ names

/// A new incarnation: its name follows from the key, where there is one.
Result<> Replica::Impl::new_name() {
    std::array<std::uint8_t, trust::kNonceBytes> nonce{};
    env.random(nonce);
    return take_name(std::string(taizhang::view(nonce)));
}

Result<> Replica::Impl::take_name(const std::string& nonce) {
    const auto id = id_of(options.keys, nonce);
    TRY_VOID(set_fact("nonce", nonce));
    TRY_VOID(set_fact(kNextNonce, ""));
    return set_fact("replica", std::string(taizhang::view(id.bytes)));
}

/// After the name was changed.
Result<> Replica::Impl::begin_anew() {
    TRY_VOID(read_name());
    ours.clear();
    own_streams.clear();
    return {};
}

Result<NextName> next_name(Replica& replica) {
    TRY(auto nonce, replica.fact(kNextNonce));
    if (nonce.empty()) {
        std::array<std::uint8_t, trust::kNonceBytes> made{};
        replica.random(made);
        nonce = std::string(taizhang::view(made));
        TRY_VOID(replica.set_fact(kNextNonce, nonce));
    }
    return NextName{id_of(replica.keys(), nonce), nonce};
}

Result<> Replica::reincarnate_bare() {
    TRY(const auto next, next_name(*this));
    TRY_VOID(batch([&]() -> Result<> {
        TRY_VOID(impl_->take_name(next.nonce));
        return set_fact("copied", "");
    }));
    return impl_->begin_anew();
}

/// One's own came from elsewhere. Those that come back with a stream that was away are no copy's.
Result<> Replica::Impl::note_copied(int stream, Seq seq) {
    const auto away = evicted.find(stream);
    const bool comes_back = away != evicted.end() && seq.value <= away->second;
    if (copied || comes_back) return {};
    copied = true;
    return set_fact("copied", "1");
}

Result<Replica::Subject> Replica::self_as_subject(const std::string& unit, const std::string& label) {
    Subject s{impl_->self, unit, label, {}, {}};
    if (impl_->options.keys.device) s.key = impl_->options.keys.device->public_key();
    TRY(s.nonce, fact("nonce"));
    return s;
}

Result<> Replica::reincarnate() { return impl_->reincarnate(); }

Result<> Replica::Impl::reincarnate() {
    auto& m = *this;
    const auto old_id = m.self;
    TRY_VOID(m.batch([&]() -> Result<> {
        TRY_VOID(m.new_name());
        TRY_VOID(m.set_fact("copied", ""));
        TRY_VOID(m.set_fact("notice/copied", std::to_string(now().ms)));
        const auto* old = m.control.cert(old_id);
        TRY(const auto name, m.fact("replica"));
        ReplicaId id;
        std::memcpy(id.bytes.data(), name.data(), id.bytes.size());
        if (!old) return {};
        // The same device of the same unit: what it writes before it next meets its hub counts at once. Without the
        // old key it is a stranger, who has to be enrolled again.
        auto cert = *old;
        cert.replica = id;
        if (m.control.is_signed()) {
            if (!m.is_own_key(old_id)) return {};
            TRY(cert.nonce, m.fact("nonce"));
            cert.control = m.control.head();
            cert.issuer = cert.unit;
            cert.issuer_replica = old_id;
            cert.signature = m.options.keys.device->sign(kForCertificate, cert.signed_part());
        }
        return m.take_certificate(cert);
    }));
    return m.begin_anew();
}

// ------------------------------------------------------------------ certificates

Result<> Replica::Impl::load_waiting_certificates() {
    waiting_certificates.clear();
    TRY(auto s, db->prepare("SELECT body FROM certificate_waiting", false));
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) return {};
        TRY(auto c, Certificate::decode(s.blob(0)));
        waiting_certificates.push_back(std::move(c));
    }
}

Result<> Replica::Impl::keep_certificate(const Certificate& cert) {
    control_changed = true;
    ours.clear();
    TRY_VOID(control.add(cert));
    TRY(auto s,
        db->prepare(
            "INSERT INTO certificate(replica, body) VALUES(?1, ?2) ON CONFLICT(replica) DO UPDATE SET body = ?2",
            false));
    const auto body = cert.encode();
    s.bind_blob(1, taizhang::view(cert.replica.bytes)).bind_blob(2, body);
    return s.run();
}

namespace {

/// Of whoever vouched: how high its office stands. A new name of a key has the word that the key's first one had.
Level level_of_issuer(const ControlState& control, const Certificate& cert) {
    const auto* c = &cert;
    for (std::size_t n = 0; n <= control.certs().size(); ++n) {
        if (c->issuer_replica.is_zero()) return static_cast<Level>(static_cast<int>(Level::city) + 1);  // the root key
        if (c->issuer_replica == cert.replica) break;  // its own word for itself: nobody could prove what it writes
        const auto* by = control.cert(c->issuer_replica);
        if (!by) break;
        if (by->key() != cert.key()) return by->level;
        c = by;
    }
    return Level::none;
}

/// Of two for one replica that of the higher office counts, whichever came first: an office below can neither lower
/// nor move what somebody above it vouched for. Of equals the narrower, so that nobody raises a device by vouching for
/// it a second time.
bool counts_before(const ControlState& control, const Certificate& a, const Certificate& b) {
    const auto by_a = level_of_issuer(control, a), by_b = level_of_issuer(control, b);
    if (by_a != by_b) return by_a > by_b;
    if (a.level != b.level) return a.level < b.level;
    if (a.control != b.control) return a.control < b.control;
    return a.encode() < b.encode();
}

}  // namespace

/// Two offices vouched for one device, as theirs: one of them is wrong, or lies. Both words are kept as evidence.
Result<> Replica::Impl::settle_certificates(const Certificate& cert) {
    const auto known = *control.cert(cert.replica);
    const bool is_next = counts_before(control, cert, known);
    const bool says_the_same = known.unit == cert.unit && known.level == cert.level;
    if (says_the_same && !is_next) return {};
    const auto key = kDoubledCertificate + cert.replica.hex();
    TRY(const auto noted, fact(key));
    if (!says_the_same && (noted.empty() || is_next)) {
        std::string value;
        Writer w(value);
        w.varint(static_cast<std::uint64_t>(std::max<std::int64_t>(0, now().ms)));
        w.str((is_next ? known : cert).encode());
        TRY_VOID(set_fact(key, value));
    }
    if (!is_next) return {};
    control_changed = true;
    ours.clear();
    control.replace(cert);
    // At the end of the list, so that who had the other one hears of it.
    TRY(auto s, db->prepare("UPDATE certificate SET pos = (SELECT max(pos) + 1 FROM certificate), body = ?2 WHERE "
                            "replica = ?1",
                            false));
    const auto body = cert.encode();
    s.bind_blob(1, taizhang::view(cert.replica.bytes)).bind_blob(2, body);
    TRY_VOID(s.run());
    if (says_the_same) return {};
    TRY(const int replica, replica_no(cert.replica));
    return refold_written_by(std::span(&replica, 1));
}

Result<> Replica::Impl::take_certificate(const Certificate& cert) {
    const auto* known = control.cert(cert.replica);
    const auto body = cert.encode();
    if (known && known->encode() == body) return {};
    const bool is_second = known && control.is_signed();
    const auto j = control.judge(cert);
    if (j.verdict == ControlState::Verdict::bad) return is_second ? Result<>() : fail(Errc::denied, j.why);
    if (j.verdict == ControlState::Verdict::good) {
        if (is_second) return settle_certificates(cert);
        TRY_VOID(keep_certificate(cert));
        return retry_certificates();
    }
    const auto is_it = [&](const Certificate& c) { return c.encode() == body; };
    if (waiting_certificates.size() >= kWaitingCertificatesMax ||
        std::any_of(waiting_certificates.begin(), waiting_certificates.end(), is_it))
        return {};
    control_changed = true;
    TRY(auto s, db->prepare("INSERT INTO certificate_waiting(hash, body) VALUES(?1, ?2)", false));
    const auto hash = hash_of(body);
    s.bind_blob(1, taizhang::view(hash.bytes)).bind_blob(2, body);
    TRY_VOID(s.run());
    waiting_certificates.push_back(cert);
    return {};
}

/// What just came, an entry or a certificate, may be what others waited for.
Result<> Replica::Impl::retry_certificates() {
    for (bool moved = !waiting_certificates.empty(); moved;) {
        moved = false;
        for (std::size_t i = 0; i < waiting_certificates.size();) {
            const auto cert = waiting_certificates[i];
            const auto j = control.judge(cert);
            if (j.verdict == ControlState::Verdict::waits) {
                ++i;
                continue;
            }
            control_changed = true;
            waiting_certificates.erase(waiting_certificates.begin() + static_cast<std::ptrdiff_t>(i));
            TRY(auto s, db->prepare("DELETE FROM certificate_waiting WHERE hash = ?1", false));
            const auto hash = hash_of(cert.encode());
            s.bind_blob(1, taizhang::view(hash.bytes));
            TRY_VOID(s.run());
            if (j.verdict == ControlState::Verdict::bad) continue;
            if (control.cert(cert.replica)) {
                TRY_VOID(settle_certificates(cert));
                continue;
            }
            TRY_VOID(keep_certificate(cert));
            moved = true;
        }
    }
    return {};
}

Result<> Replica::add_certificate(const Certificate& cert) {
    return impl_->batch([&] { return impl_->take_certificate(cert); });
}

Result<> Replica::issue_certificate(const Subject& subject) {
    auto& m = *impl_;
    const auto* unit = m.control.unit(subject.unit);
    if (!unit) return fail(Errc::not_found, "没有单位 " + subject.unit + " / there is no unit " + subject.unit);
    Certificate c;
    c.replica = subject.replica;
    c.unit = subject.unit;
    c.level = unit->level;
    c.control = m.control.head();
    c.label = subject.label;
    const auto* own = m.control.cert(m.self);
    c.issuer = own ? own->unit : m.control.root();
    if (m.control.is_signed()) {
        c.suite = subject.key.suite;
        c.public_key = subject.key.bytes;
        c.nonce = subject.nonce;
        // The first server's certificate is the root's; all others rest on it.
        const auto* with = own ? m.options.keys.device.get() : m.options.keys.root.get();
        if (!with || (own && !m.is_own_key(m.self)))
            return fail(Errc::not_allowed,
                        "本机没有可以签发登记的密钥 / this node has no key that could vouch for a device");
        if (own) c.issuer_replica = m.self;
        c.signature = with->sign(kForCertificate, c.signed_part());
    }
    return m.batch([&]() -> Result<> {
        TRY_VOID(m.take_certificate(c));
        if (!m.control.cert(c.replica))
            return fail(Errc::not_allowed, "本机不能为 " + c.unit + " 签发登记 / this node cannot vouch for " + c.unit);
        return {};
    });
}

std::vector<std::string> Replica::certificate_chain(const ReplicaId& replica) const {
    std::vector<std::string> out;
    const auto* c = impl_->control.cert(replica);
    while (c && out.size() < kChainMax) {
        out.push_back(c->encode());
        c = c->issuer_replica.is_zero() ? nullptr : impl_->control.cert(c->issuer_replica);
    }
    std::reverse(out.begin(), out.end());
    return out;
}

}  // namespace taizhang
