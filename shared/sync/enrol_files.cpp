// Enrolment by two small files. The request is an EnrolRequest without a code; the answer is an EnrolReply and the
// city's control log, sealed to the device's key. Who carries them compares the fingerprints that both sides show.
#include "sync/hub.h"
#include "sync/session.h"

namespace taizhang::sync {
namespace {

constexpr std::string_view kRequest = "TZQ\x01", kAnswer = "TZA\x01";
constexpr std::size_t kEntriesMax = 1u << 18;

Error not_ours() {
    return fail(Errc::bad_input,
                "这不是登记文件,或已损坏;什么也没有改 / this is no enrolment file, or it is damaged: "
                "nothing was changed");
}

std::string with_mark(std::string_view magic, std::string_view body) {
    std::string out(magic);
    Writer w(out);
    w.str(body);
    const auto hash = hash_of(out);
    w.raw(view(hash.bytes));
    return out;
}

Result<std::string> without_mark(std::string_view magic, std::string_view file) {
    if (!file.starts_with(magic) || file.size() < magic.size() + sizeof(Hash)) return not_ours();
    const auto covered = file.substr(0, file.size() - sizeof(Hash));
    if (view(hash_of(covered).bytes) != file.substr(covered.size())) return not_ours();
    Reader r(covered.substr(magic.size()));
    std::string body(r.str());
    return r.done() ? Result<std::string>(std::move(body)) : not_ours();
}

}  // namespace

Result<std::string> Enrolment::request_file(const std::string& label) {
    TRY(const auto message, request({}, label));
    return with_mark(kRequest, message);
}

Result<Hub::Answer> Hub::answer(std::string_view request_file, const std::string& unit) {
    if (!r_->control().is_signed())
        return fail(Errc::not_allowed,
                    "本市没有根密钥,不能用文件登记 / this city has no root key: enrolment by files is not possible");
    TRY_VOID(may_enrol(unit));
    TRY(const auto message, without_mark(kRequest, request_file));
    wire::EnrolRequest q;
    if (!wire::decode(message, q) || q.replica.is_zero() || q.label.size() > 100) return not_ours();
    TRY_VOID(check_key(q));
    if (q.replica == r_->id())
        return fail(Errc::not_allowed, "不能把服务器登记到它自己下面 / a server cannot be enrolled below itself");
    wire::EnrolReply reply;
    reply.unit = unit;
    TRY_VOID(r_->batch([&]() -> Result<> { return admit_device(q, r_->now().ms, reply); }));
    TRY_VOID(introduce_itself(reply));
    TRY(const auto control, r_->control_after(ControlPos{0}, ~std::size_t{0}));
    std::string letter;
    Writer w(letter);
    w.str(wire::encode(reply));
    w.varint(control.size());
    for (const auto& e : control) w.str(e);
    const std::vector<trust::PublicKey> to{trust::PublicKey::decode(q.key)};
    TRY(const auto sealed, trust::seal_to(to, kAnswer, letter));
    return Answer{with_mark(kAnswer, sealed), trust::fingerprint(r_->control().root_key(), to.front())};
}

Result<Enrolment::Letter> Enrolment::open_letter(std::string_view file) const {
    TRY(const auto sealed, without_mark(kAnswer, file));
    const auto& key = r_.keys().device;
    auto letter = key ? key->open(kAnswer, sealed) : Result<std::string>(fail(Errc::denied, {}));
    if (!letter && letter.error().code == Errc::denied)
        return fail(Errc::not_allowed, "这个登记文件不是给本机的 / this enrolment file is for another device");
    if (!letter) return not_ours();
    Reader r(*letter);
    Letter out{std::string(r.str()), {}};
    const auto n = r.size();
    if (n > kEntriesMax) return not_ours();
    for (std::size_t i = 0; i < n && r.ok(); ++i) out.control.emplace_back(r.str());
    if (!r.done()) return not_ours();
    return out;
}

Result<Enrolment::Answer> Enrolment::look_at_answer(std::string_view file) {
    TRY(const auto letter, open_letter(file));
    wire::EnrolReply m;
    TRY_VOID(wire::decode(letter.message, m));
    TRY(auto there, this->fingerprint(letter.message));
    TRY(const auto first, ControlEntry::decode(m.city_entry));
    ControlState city;
    TRY_VOID(city.apply(first));
    auto own = trust::fingerprint(city.root_key(), r_.keys().device->public_key());
    for (std::size_t i = 1; i < letter.control.size(); ++i) {
        const auto entry = ControlEntry::decode(letter.control[i]);
        if (!entry || !city.apply(*entry)) break;  // only for the name here; take_answer() says what is wrong
    }
    const auto* unit = city.unit(m.unit);
    return Answer{m.unit, unit ? unit->name : m.unit, std::move(there), std::move(own)};
}

Result<> Enrolment::take_answer(std::string_view file, const std::string& fingerprint) {
    TRY(const auto letter, open_letter(file));
    TRY(const auto there, this->fingerprint(letter.message));
    if (!fingerprint.empty() && !trust::same_fingerprint(there, fingerprint))
        return fail(Errc::denied, "签发单位的核对码是 " + there +
                                      ",不是您给的,没有登记 / the issuing office's fingerprint is " + there +
                                      ", not the one given: nothing was enrolled");
    return r_.batch([&]() -> Result<> {
        TRY_VOID(reply(letter.message));
        return r_.receive_control(letter.control);
    });
}

}  // namespace taizhang::sync
