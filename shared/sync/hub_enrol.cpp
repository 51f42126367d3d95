// How a hub comes to know a device: codes, the certificate that it gives, tokens, and whose a token is.
#include "sync/hub.h"
#include "sync/hub_parts.h"
#include "sync/session.h"

#include <cstring>

namespace taizhang::sync {
namespace {

constexpr std::int64_t kCodeLifeMs = 72 * 3'600'000;
constexpr std::size_t kTokenBytes = 16, kCodeLetters = 12;

// A code's first letters are its name, the others its secret: so a wrong code can be counted against the code that was
// meant. Fewer: a stranger's guess hits some code's name by chance; more: less is left to be secret.
constexpr std::size_t kNameLetters = 4;
constexpr std::int64_t kHourMs = 3'600'000;
// Places whose wrong codes are counted; beyond that they share one count. Higher: more memory.
constexpr std::size_t kGuessersMax = 4096;

/// Wrong tries at the secret of a code that has this name, kept on the disk.
struct NamedCode {
    std::int64_t expires_ms = 0;
    std::uint64_t tries = 0;
};

std::string name_key(std::string_view code) {
    return "enrol/code/" + hash_of("enrol code " + plain_code(code).substr(0, kNameLetters)).hex().substr(0, 16);
}

Result<NamedCode> named_code(Replica& r, std::string_view code) {
    TRY(const auto kept, r.fact(name_key(code)));
    Reader in(kept);
    NamedCode out;
    out.expires_ms = static_cast<std::int64_t>(in.varint());
    out.tries = in.varint();
    return in.done() ? out : NamedCode{};
}

/// In the transaction at hand.
Result<> keep_named(Replica& r, std::string_view code, const NamedCode& named) {
    std::string out;
    Writer w(out);
    w.varint(static_cast<std::uint64_t>(named.expires_ms));
    w.varint(named.tries);
    return r.set_fact(name_key(code), out);
}

std::string random_code(Replica& r) {
    std::string out;
    const auto bytes = random_bytes(r, kCodeLetters * 2);
    for (std::size_t i = 0; i < kCodeLetters; ++i) {
        if (i > 0 && i % 4 == 0) out.push_back('-');
        const auto n = static_cast<unsigned>(static_cast<std::uint8_t>(bytes[i * 2])) << 8 |
                       static_cast<std::uint8_t>(bytes[i * 2 + 1]);
        out.push_back(kCodeAlphabet[n % kCodeAlphabet.size()]);
    }
    return out;
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
    const auto now = r_->now().ms;
    Code code;
    for (bool is_free = false; !is_free;) {  // no two that hold have one name
        code.code = random_code(*r_);
        TRY(const auto named, named_code(*r_, code.code));
        is_free = named.expires_ms < now;
    }
    code.expires_ms = now + kCodeLifeMs;
    TRY_VOID(r_->batch([&]() -> Result<> {
        TRY_VOID(keep_named(*r_, code.code, {code.expires_ms, 0}));
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

Hub::Guesses& Hub::guesses_of(const std::string& from, std::int64_t now) {
    const auto hour = now / kHourMs;
    if (guessers_.size() >= kGuessersMax && !guessers_.contains(from))
        std::erase_if(guessers_, [&](const auto& g) { return g.second.hour != hour; });
    const bool has_room = guessers_.size() < kGuessersMax || guessers_.contains(from);
    auto& g = guessers_[has_room ? from : std::string("*")];
    if (g.hour != hour) g = {hour, 0};
    return g;
}

/// Who guesses at random is not heard any more from there within the hour, before he costs anything; what has the name
/// of a code that holds is, a few times for each code. So nobody can keep others from enrolling, not from the same
/// address either.
Result<> Hub::check_tries(const wire::EnrolRequest& q, const std::string& from, std::int64_t now) {
    TRY(const auto named, named_code(*r_, q.code));
    if (named.tries >= kTriesPerCode)
        return denied("这个登记码试错太多次,已作废,请向上级再要一个",
                      "this code was tried wrongly too often and is void: ask for a new one");
    if (named.expires_ms >= now || guesses_of(from, now).count < kTriesAnHour) return {};
    return denied("从这里输错登记码太多次,请核对后一小时再试;给您的码如果没有输错,仍然有效",
                  "too many wrong codes from here within this hour: check the code and try again later; one that is "
                  "typed rightly still works");
}

/// In the transaction at hand. A guess at random is counted in memory only: it costs no disk.
Result<> Hub::count_wrong_code(const wire::EnrolRequest& q, const std::string& from, std::int64_t now) {
    ++guesses_of(from, now).count;
    TRY(auto named, named_code(*r_, q.code));
    if (named.expires_ms < now) return {};
    ++named.tries;
    return keep_named(*r_, q.code, named);
}

Result<std::string> Hub::enrol(const wire::EnrolRequest& q, const std::string& from) {
    if (q.replica.is_zero() || q.label.size() > 100)
        return fail(Errc::protocol, "登记请求有误 / enrolment: malformed request");
    wire::EnrolReply reply;
    if (q.code.empty()) {
        TRY_VOID(introduce_itself(reply));
        return wire::encode(reply);
    }
    if (q.replica == r_->id())
        return denied("不能把服务器登记到它自己下面", "a server cannot be enrolled below itself");
    const auto now = r_->now().ms;
    TRY_VOID(check_tries(q, from, now));
    TRY_VOID(check_key(q));
    const auto hash = hash_of(plain_code(q.code));
    bool is_wrong = false;
    TRY_VOID(r_->batch([&]() -> Result<> {
        TRY(auto find,
            r_->database().prepare("SELECT unit, expires_ms, used_by FROM enrol_code WHERE code_hash = ?1", false));
        find.bind_blob(1, view(hash.bytes));
        TRY(const bool known, find.step());
        is_wrong = !known;
        if (is_wrong) return count_wrong_code(q, from, now);
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
