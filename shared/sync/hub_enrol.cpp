// How a hub comes to know a device: codes, the certificate that it gives, tokens, and whose a token is.
#include "sync/hub.h"
#include "sync/hub_parts.h"
#include "sync/session.h"

#include <cstring>

namespace taizhang::sync {
namespace {

constexpr std::int64_t kCodeLifeMs = 72 * 3'600'000;
constexpr std::size_t kTokenBytes = 16, kCodeLetters = 12;

/// In the transaction at hand.
Result<> count_wrong_code(Replica& r, std::int64_t now) {
    constexpr std::int64_t kHourMs = 3'600'000;
    TRY(const auto kept, r.fact("enrol/tries"));
    Reader in(kept);
    const auto hour = static_cast<std::int64_t>(in.varint());
    const auto tries = in.varint();
    std::string out;
    Writer w(out);
    w.varint(static_cast<std::uint64_t>(now / kHourMs));
    w.varint(in.done() && hour == now / kHourMs ? tries + 1 : 1);
    return r.set_fact("enrol/tries", out);
}

}  // namespace

Result<> Hub::may_enrol(const std::string& unit) const {
    const auto& c = r_->control();
    const auto* own = c.cert(r_->id());
    if (!own || !c.unit(unit)) return fail(Errc::not_found, "没有单位 " + unit + " / there is no unit " + unit);
    if (!c.is_at_or_below(unit, c.authority(own->unit, c.head()), c.head()))
        return fail(Errc::not_allowed, unit + " 不在本单位之下 / unit " + unit + " is not below this one");
    if (c.is_signed() && (!r_->can_sign() || own->level == Level::branch))
        return fail(Errc::not_allowed, "本机不能为别的电脑签发登记 / this node cannot vouch for other devices");
    return {};
}

Result<Hub::Code> Hub::new_code(const std::string& unit) {
    TRY_VOID(may_enrol(unit));
    Code code;
    const auto bytes = random_bytes(*r_, kCodeLetters * 2);
    for (std::size_t i = 0; i < kCodeLetters; ++i) {
        if (i > 0 && i % 4 == 0) code.code.push_back('-');
        const auto n = static_cast<unsigned>(static_cast<std::uint8_t>(bytes[i * 2])) << 8 |
                       static_cast<std::uint8_t>(bytes[i * 2 + 1]);
        code.code.push_back(kCodeAlphabet[n % kCodeAlphabet.size()]);
    }
    code.expires_ms = r_->now().ms + kCodeLifeMs;
    TRY_VOID(r_->batch([&]() -> Result<> {
        TRY(auto s,
            r_->database().prepare("INSERT INTO enrol_code(code_hash, unit, expires_ms) VALUES(?1, ?2, ?3)", false));
        const auto hash = hash_of(plain_code(code.code));
        s.bind_blob(1, view(hash.bytes)).bind(2, std::string_view(unit)).bind(3, code.expires_ms);
        return s.run();
    }));
    return code;
}

Result<> Hub::issue_certificate(const wire::EnrolRequest& q, const std::string& unit) {
    return r_->issue_certificate({q.replica, unit, q.label, trust::PublicKey::decode(q.key), q.nonce});
}

std::string Hub::fingerprint() const {
    const auto& c = r_->control();
    return c.is_signed() && r_->keys().device ? trust::fingerprint(c.root_key(), r_->keys().device->public_key())
                                              : std::string();
}

/// The device has the key that it names, and its replica's name follows from it.
Result<> Hub::check_key(const wire::EnrolRequest& q) const {
    if (!r_->control().is_signed()) return {};
    const auto key = trust::PublicKey::decode(q.key);
    if (key.empty() || q.nonce.size() != trust::kNonceBytes || trust::replica_id(key, q.nonce) != q.replica ||
        !key.verify(kForEnrolment, plain_code(q.code) + std::string(view(q.replica.bytes)), q.proof))
        return denied("本机的密钥与编号不符,请升级程序后重新登记",
                      "the device's key does not fit its name: upgrade the program and enrol again");
    return {};
}

Result<> Hub::introduce_itself(wire::EnrolReply& reply) {
    reply.city = r_->control().city_mark();
    if (!r_->control().is_signed()) return {};
    TRY(const auto first, r_->control_after(ControlPos{0}, 1));
    if (!first.empty()) reply.city_entry = first.front();
    reply.chain = r_->certificate_chain(r_->id());
    return {};
}

/// A wrong code costs a try; when there are none left, even a right one has to wait for the next hour. Kept on the
/// disk, so that a restart gives none back.
Result<> Hub::check_tries(std::int64_t now) {
    constexpr std::int64_t kHourMs = 3'600'000;
    TRY(const auto kept, r_->fact("enrol/tries"));
    Reader in(kept);
    const auto hour = static_cast<std::int64_t>(in.varint());
    const auto tries = in.varint();
    if (in.done() && hour == now / kHourMs && tries >= kTriesAnHour)
        return denied("登记码输错太多次,请一小时后再试",
                      "too many wrong codes: nothing is enrolled here within this hour, try again later");
    return {};
}

Result<std::string> Hub::enrol(const wire::EnrolRequest& q) {
    if (q.replica.is_zero() || q.label.size() > 100)
        return fail(Errc::protocol, "登记请求有误 / enrolment: malformed request");
    wire::EnrolReply reply;
    if (q.code.empty()) {
        TRY_VOID(introduce_itself(reply));
        return wire::encode(reply);
    }
    if (q.replica == r_->id())
        return denied("不能把服务器登记到它自己下面", "a server cannot be enrolled below itself");
    TRY_VOID(check_key(q));
    const auto hash = hash_of(plain_code(q.code));
    const auto now = r_->now().ms;
    TRY_VOID(check_tries(now));
    bool is_wrong = false;
    TRY_VOID(r_->batch([&]() -> Result<> {
        TRY(auto find,
            r_->database().prepare("SELECT unit, expires_ms, used_by FROM enrol_code WHERE code_hash = ?1", false));
        find.bind_blob(1, view(hash.bytes));
        TRY(const bool known, find.step());
        is_wrong = !known;
        if (is_wrong) return count_wrong_code(*r_, now);
        reply.unit = std::string(find.text(0));
        const bool expired = find.integer(1) < now, used = !find.is_null(2);
        // Asked again by the same device: our answer was lost on the way.
        const bool again = used && find.blob(2) == view(q.replica.bytes);
        find.reset();
        if (used && !again) return denied("登记码已经用过,请向上级再要一个", "this code was used: ask for a new one");
        if (expired && !again)
            return denied("登记码已过期,请向上级再要一个", "this code has expired: ask for a new one");
        TRY_VOID(admit_device(q, now, reply));
        TRY(auto use, r_->database().prepare("UPDATE enrol_code SET used_by = ?2 WHERE code_hash = ?1", false));
        use.bind_blob(1, view(hash.bytes)).bind_blob(2, view(q.replica.bytes));
        return use.run();
    }));
    if (is_wrong) return denied("登记码不对,请核对后重输", "no such code: check it and type it again");
    TRY_VOID(introduce_itself(reply));
    return wire::encode(reply);
}

/// Vouches for the device and gives it a token, for `reply.unit`; in the transaction at hand.
Result<> Hub::admit_device(const wire::EnrolRequest& q, std::int64_t now, wire::EnrolReply& reply) {
    const auto* known_as = r_->control().cert(q.replica);
    if (known_as && known_as->unit != reply.unit)
        return denied("这台电脑已经登记在别的单位", "this replica is enrolled for another unit");
    if (!known_as) TRY_VOID(issue_certificate(q, reply.unit));

    reply.token = random_bytes(*r_, kTokenBytes);
    const auto token_hash = hash_of(reply.token);
    TRY(auto add, r_->database().prepare("INSERT INTO device(token_hash, replica, unit, label, enrolled_ms, "
                                         "last_seen_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?5)",
                                         false));
    add.bind_blob(1, view(token_hash.bytes))
        .bind_blob(2, view(q.replica.bytes))
        .bind(3, std::string_view(reply.unit))
        .bind(4, std::string_view(q.label))
        .bind(5, now);
    TRY_VOID(add.run());
    reply.level = level();
    reply.time_ms = now;
    reply.cursor = {hub_, generation_, Lsn{0}, 0, 0, 0};
    reply.certificate = r_->control().cert(q.replica)->encode();
    return {};
}

Result<Hub::Device> Hub::device_of(const std::string& token) {
    const auto hash = hash_of(token);
    TRY(auto s,
        r_->database().prepare("SELECT replica, unit, label, last_seen_ms FROM device WHERE token_hash = ?1", false));
    s.bind_blob(1, view(hash.bytes));
    TRY(const bool known, s.step());
    if (!known)
        return denied("本机没有在这台服务器登记,请先 enrol", "this device is not enrolled here: run enrol first");
    Device d;
    if (s.blob(0).size() == 16) std::memcpy(d.replica.bytes.data(), s.blob(0).data(), 16);
    d.unit = std::string(s.text(1));
    d.label = std::string(s.text(2));
    d.last_seen_ms = s.integer(3);
    if (r_->control().revocation(d.replica)) return revoked();
    return d;
}

Result<std::vector<Hub::Device>> Hub::devices() {
    std::vector<Device> out;
    TRY(auto s, r_->database().prepare("SELECT replica, unit, max(label), max(last_seen_ms) FROM device GROUP BY "
                                       "replica, unit ORDER BY unit, min(enrolled_ms)",
                                       false));
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) return out;
        Device d;
        if (s.blob(0).size() == 16) std::memcpy(d.replica.bytes.data(), s.blob(0).data(), 16);
        d.unit = std::string(s.text(1));
        d.label = std::string(s.text(2));
        d.last_seen_ms = s.integer(3);
        out.push_back(std::move(d));
    }
}

}  // namespace taizhang::sync
