// A device becomes known to a hub: the code, the certificate, what two people compare.
#include "replica/next_name.h"
#include "sync/token.h"
#include "sync/upstream_facts.h"

namespace taizhang::sync {
namespace {

/// What two people compare, computed from what the hub says of itself; empty in a city without keys.
Result<std::string> fingerprint_of(const wire::EnrolReply& m) {
    if (m.city_entry.empty()) return std::string();
    TRY(const auto entry, ControlEntry::decode(m.city_entry));
    ControlState city;
    TRY_VOID(city.apply(entry));
    if (!city.is_signed() || city.city_mark() != m.city || m.chain.empty())
        return fail(Errc::protocol, "登记答复与请求不符 / enrolment: the server's introduction makes no sense");
    TRY(const auto hub, Certificate::decode(m.chain.back()));
    return trust::fingerprint(city.root_key(), hub.key());
}

/// The old unit's name is done with; what was written under it stays and goes up as it is. Until the office above has
/// said yes, this PC is who it was: a wrong code costs nothing.
bool goes_to_another_unit(Replica& r) {
    const auto* own = r.control().cert(r.id());
    return own && r.control().is_abolished(own->unit, r.control().head());
}

}  // namespace

Result<std::string> Enrolment::request(const std::string& code, const std::string& label) {
    if (!is_line(label))
        return fail(Errc::usage,
                    "这台电脑的名称里有不能用的字符 / the name of this PC has characters that cannot be used");
    NextName as{r_.id(), {}};
    TRY(as.nonce, r_.fact("nonce"));
    if (goes_to_another_unit(r_)) {
        TRY(as, next_name(r_));
    }
    wire::EnrolRequest q;
    q.code = code;
    q.replica = as.id;
    q.label = label;
    if (const auto& key = r_.keys().device) {
        q.key = key->public_key().encode();
        q.nonce = as.nonce;
        q.proof = key->sign(kForEnrolment, plain_code(code) + std::string(view(q.replica.bytes)));
    }
    return wire::encode(q);
}

Result<std::string> Enrolment::question() {
    wire::EnrolRequest q;
    q.replica = r_.id();
    return wire::encode(q);
}

Result<std::string> Enrolment::fingerprint(std::string_view bytes) {
    wire::EnrolReply m;
    TRY_VOID(wire::decode(bytes, m));
    return fingerprint_of(m);
}

Result<trust::PublicKey> Enrolment::hub_key(std::string_view answer) {
    wire::EnrolReply m;
    TRY_VOID(wire::decode(answer, m));
    if (m.chain.empty()) return trust::PublicKey{};
    TRY(const auto hub, Certificate::decode(m.chain.back()));
    return hub.key();
}

Result<> Enrolment::reply(std::string_view bytes) {
    wire::EnrolReply m;
    TRY_VOID(wire::decode(bytes, m));
    TRY(fingerprint_, fingerprint_of(m));
    TRY(const auto cert, Certificate::decode(m.certificate));
    const bool goes = goes_to_another_unit(r_);
    auto as = r_.id();
    if (goes) {
        TRY(const auto next, next_name(r_));
        as = next.id;
    }
    if (cert.replica != as || cert.unit != m.unit || m.token.empty())
        return fail(Errc::protocol, "登记答复与请求不符 / enrolment: the answer is for somebody else");
    const auto mark = r_.control().city_mark();
    if (mark != 0 && m.city != mark) return another_city();
    if (!fingerprint_.empty() && (!r_.keys().device || cert.key() != r_.keys().device->public_key()))
        return fail(Errc::protocol, "登记答复不是给本机密钥的 / enrolment: the answer is for another key");
    if (const auto* own = r_.control().cert(r_.id()); own && !goes && own->unit != m.unit)
        return fail(Errc::not_allowed, "这个登记码是 " + m.unit + " 的,本机属于 " + own->unit + " / this code is for " +
                                           m.unit + ", this replica belongs to " + own->unit);
    // With data already here: a cursor of no hub, so that the vectors are compared.
    const auto cursor = r_.log_head().value == 0 ? m.cursor : wire::Cursor{};
    TRY_VOID(r_.batch([&]() -> Result<> {
        // Of a signed city the first entry is taken at once: whatever comes later has to be signed by its root key.
        if (goes) TRY_VOID(r_.reincarnate_bare());
        if (!m.city_entry.empty()) TRY_VOID(r_.receive_control(std::span(&m.city_entry, 1)));
        TRY_VOID(take_certificates(r_, m.chain));
        TRY_VOID(r_.add_certificate(cert));
        TRY_VOID(keep_token(r_, m.token));
        TRY_VOID(r_.set_fact(kIntroduced, ""));
        if (begin_ == Begin::with_log) TRY_VOID(r_.set_fact(kPassesOn, "1"));
        TRY_VOID(r_.set_fact(kLevel, std::string(name_of(m.level))));
        if (!m.chain.empty()) {
            TRY(const auto hub, Certificate::decode(m.chain.back()));
            TRY_VOID(r_.set_fact(kHubReplica, std::string(view(hub.replica.bytes))));
            TRY_VOID(r_.set_fact(kHubKey, hub.key().encode()));
        }
        TRY_VOID(keep_hub(r_, m.cursor));
        if (begin_ == Begin::with_state && r_.log_head().value == 0) TRY_VOID(r_.set_fact(kState, "+"));
        return r_.set_fact(kCursor, encode(cursor));
    }));
    return r_.trust_time(m.time_ms);
}

}  // namespace taizhang::sync
