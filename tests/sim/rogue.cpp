#include "tests/sim/rogue.h"

#include "sync/bundle.h"
#include "sync/token.h"
#include "tests/sim/author.h"
#include "tests/sim/trouble.h"
#include "wire/runs.h"

#include <algorithm>

namespace taizhang::sim {
namespace {

constexpr int kFloodMessages = 12, kFloodCommits = 25;

}  // namespace

/// He has a unit, and a catalog by which something can be written.
bool Rogue::can_write() const {
    return m_.is_up() && m_.is_enrolled && m_.number != 0 &&
           w_.reading_.newest_or_none(m_.replica->control().head().value);
}

void Rogue::act() {
    if (!can_write()) return;
    switch (w_.pick(8)) {
        case 0:
        case 1: return forge();
        case 2:
        case 3: return write_beyond();
        case 4: return claim();
        case 5: return flood();
        default: return fork();
    }
}

// ------------------------------------------------------------------ what he makes

std::string Rogue::sign(const std::string& bytes) {
    const auto hash = hash_of(bytes);
    return m_.keys.device->sign(kForHead, taizhang::view(hash.bytes));
}

void Rogue::add(Letter& letter, const std::string& bytes, const std::string& signature) {
    Packer packer;
    std::string packed;
    packer.pack(bytes, packed);
    if (!signature.empty()) letter.signatures.push_back({letter.packed.size(), signature});
    letter.packed.push_back(std::move(packed));
}

/// Before there were computers, now, or long after us all.
std::uint64_t Rogue::some_time() {
    switch (w_.pick(4)) {
        case 0: return 0;
        case 1: return kTimeMax - 1;
        case 2: return std::uint64_t{4'102'444'800'000} << 16;
        default: return static_cast<std::uint64_t>(w_.now_ms_) << 16;
    }
}

/// The place after some commit of a chain that he can see; what is written there follows it.
bool Rogue::pick_place(CommitHeader& h, bool of_another) {
    const auto heads = m_.replica->chain_heads();
    if (!heads) return false;
    std::vector<ChainHead> fit;
    for (const auto& c : *heads)
        if (m_.replica->is_own_key(c.replica) != of_another) fit.push_back(c);
    if (fit.empty()) return false;
    const auto& c = fit[static_cast<std::size_t>(w_.pick(static_cast<int>(fit.size())))];
    h.replica = c.replica;
    h.stream = c.stream;
    h.seq = Seq{c.seq.value + 1};
    h.prev = c.hash;
    if (w_.one_in(2)) return true;
    // After an earlier one: what comes is a branch.
    const auto seq = static_cast<std::uint64_t>(w_.pick(static_cast<int>(c.seq.value)));
    h.seq = Seq{seq + 1};
    h.prev = {};
    if (seq == 0) return true;
    const auto hashes = m_.replica->hashes_at(c.stream, c.replica, Seq{seq});
    if (!hashes || hashes->empty()) return false;
    h.prev = hashes->front();
    return true;
}

/// Under another's name, with his own signature, one that stands elsewhere, one for another purpose, or none.
void Rogue::forge() {
    Author author(w_, m_);
    auto* row = author.some_row_of(author.some_entity(), true);
    CommitHeader h;
    if (!row) return;
    if (const auto own = author.next_header(row->stream))
        h = *own;
    else
        return;
    if (!pick_place(h, true)) return;
    h.time = some_time();
    auto target = *row;
    target.stream = h.stream;
    const auto bytes = author.craft(h, target);
    if (bytes.empty()) return;
    Letter letter;
    std::string signature;
    const auto hash = hash_of(bytes);
    switch (w_.pick(4)) {
        case 0: signature = sign(bytes); break;
        case 1: signature = m_.keys.device->sign(kForAck, taizhang::view(hash.bytes)); break;
        case 2: break;
        default: {
            const auto entries = m_.replica->chain_after(h.stream, h.replica, Seq{0}, 1u << 20);
            if (!entries) return;
            for (const auto& e : *entries) {
                letter.packed.push_back(e.packed);
                if (!e.signature.empty()) signature = e.signature;
            }
        }
    }
    add(letter, bytes, signature);
    ++w_.figures_.forged;
    w_.note("forges " + m_.name() + " under the name of " + h.replica.hex().substr(0, 8) + " in " + h.stream.str() +
            " #" + std::to_string(h.seq.value));
    give(letter);
}

/// Under his own name, where he may not: another unit's stream, or fields and steps that are not his.
void Rogue::write_beyond() {
    Author author(w_, m_);
    auto* row = author.some_row_of(author.some_entity(), w_.one_in(2));
    if (!row) return;
    auto h = author.next_header(row->stream);
    if (!h) return;
    if (w_.one_in(2)) h->time = some_time();
    // Standing where the tree was another, or nobody has ever stood.
    if (w_.one_in(3))
        h->control = ControlPos{1 + static_cast<std::uint64_t>(w_.pick(static_cast<int>(h->control.value)))};
    if (w_.one_in(12)) h->control = ControlPos{1'000'000};
    const auto bytes = author.craft(*h, *row);
    if (bytes.empty()) return;
    Letter letter;
    add(letter, bytes, sign(bytes));
    w_.checks_.issued(hash_of(bytes));
    ++row->writes;
    ++w_.figures_.beyond_scope;
    w_.note("writes beyond its right " + m_.name() + " in " + h->stream.str() + " #" + std::to_string(h->seq.value));
    give(letter);
}

void Rogue::fork() {
    if (!can_write()) return;
    Author author(w_, m_);
    CommitHeader h;
    auto* row = author.some_row_of(author.some_entity(), false);
    if (!row) return;
    if (const auto own = author.next_header(row->stream))
        h = *own;
    else
        return;
    if (!pick_place(h, false)) return;
    Letter letter;
    const auto first = h.seq;
    for (int n = 1 + w_.pick(3); n > 0; --n) {
        World::Row* target = nullptr;
        for (int tries = 0; tries < 20 && !target; ++tries) {
            auto* r = author.some_row_of(author.some_entity(), false);
            if (r && r->stream == h.stream) target = r;
        }
        if (!target) break;
        if (w_.one_in(3)) h.time = some_time();
        const auto bytes = author.craft(h, *target);
        if (bytes.empty()) break;
        add(letter, bytes, sign(bytes));
        w_.checks_.issued(hash_of(bytes));
        ++target->writes;
        h.prev = hash_of(bytes);
        h.seq = Seq{h.seq.value + 1};
    }
    if (letter.packed.empty()) return;
    for (const auto& body : m_.replica->certificate_chain(h.replica)) letter.certificates.push_back(body);
    ++w_.figures_.forks;
    w_.note("forks its chain " + m_.name() + " " + h.stream.str() + " " + h.replica.hex().substr(0, 8) + " at #" +
            std::to_string(first.value) + ", " + std::to_string(letter.packed.size()) + " commits");
    give(letter);
}

/// A higher level, another unit, another device: vouched for by himself.
void Rogue::claim() {
    const auto* own = m_.replica->control().cert(m_.replica->id());
    if (!own) return;
    auto c = *own;
    std::string nonce(trust::kNonceBytes, '\0');
    for (auto& b : nonce) b = static_cast<char>(w_.pick(256));
    if (w_.one_in(2)) {
        c.nonce = nonce;
        c.replica = trust::replica_id(m_.keys.device->public_key(), nonce);
    }
    const auto& units = w_.reading_.unit_ids();
    c.unit = units[static_cast<std::size_t>(w_.pick(static_cast<int>(units.size())))];
    c.level = w_.one_in(2) ? w_.reading_.level_of(c.unit) : Level::city;
    c.control = m_.replica->control().head();
    // An office may vouch for whoever is below it; what is above or beside it is not its to give.
    const auto tree = w_.reading_.head();
    if (w_.reading_.is_at_or_below(c.unit, m_.unit, tree) || w_.reading_.serves(m_.unit, c.unit)) return;
    c.issuer = w_.one_in(2) ? m_.unit : "C";
    c.issuer_replica = w_.one_in(3) ? w_.hub().replica ? w_.hub().replica->id() : ReplicaId{} : m_.replica->id();
    c.signature = w_.one_in(5) ? std::string() : m_.keys.device->sign(kForCertificate, c.signed_part());
    Letter letter;
    letter.certificates.push_back(c.encode());
    w_.note("claims " + m_.name() + " to be of " + c.unit);
    give(letter);
}

/// More than anybody needs: rubbish, the same again and again, a long chain at once.
void Rogue::flood() {
    ++w_.figures_.floods;
    w_.note("floods " + m_.name());
    auto& h = w_.hub_of(m_);
    for (int n = 0; n < kFloodMessages && h.is_up(); ++n) {
        std::string rubbish(1 + static_cast<std::size_t>(w_.pick(3000)), 's');
        for (auto& b : rubbish) b = static_cast<char>(w_.pick(256));
        if (!m_.old_requests.empty() && w_.one_in(2)) {
            rubbish = m_.old_requests[static_cast<std::size_t>(w_.pick(static_cast<int>(m_.old_requests.size())))];
            rubbish[static_cast<std::size_t>(w_.pick(static_cast<int>(rubbish.size())))] ^=
                static_cast<char>(1 << w_.pick(8));
        }
        ask(h, rubbish);
    }
    Author author(w_, m_);
    auto* row = author.some_row_of(author.some_entity(), false);
    if (!row) return;
    auto header = author.next_header(row->stream);
    if (!header) return;
    Letter letter;
    for (int n = 0; n < kFloodCommits; ++n) {
        const auto bytes = author.craft(*header, *row);
        if (bytes.empty()) continue;
        add(letter, bytes, sign(bytes));
        w_.checks_.issued(hash_of(bytes));
        header->prev = hash_of(bytes);
        header->seq = Seq{header->seq.value + 1};
        if (++row->writes > 22) break;  // the naive fold grows with the cube
    }
    to_hub(letter);
}

// ------------------------------------------------------------------ how it gets there

void Rogue::give(const Letter& letter) {
    if (w_.one_in(2)) return to_hub(letter);
    for (int n = 1 + w_.pick(2); n > 0; --n) {
        auto& to = w_.some_machine();
        if (!takes_from_hand(to)) continue;
        w_.one_in(2) ? by_stick(to, letter) : by_bundle(to, letter);
    }
    if (w_.one_in(3)) to_hub(letter);
}

void Rogue::to_hub(const Letter& letter) {
    auto& h = w_.hub_of(m_);
    if (!h.is_up() || !m_.is_up()) return;
    const auto token = sync::upstream_token(*m_.replica);
    if (!token) return;
    wire::SyncRequest q;
    q.token = *token;
    q.replica = m_.replica->id();
    q.city = m_.replica->control().city_mark();
    q.control = m_.replica->control().head();
    q.has_vector = w_.one_in(2);
    q.commits = letter.packed;
    q.certificates = letter.certificates;
    for (const auto& s : letter.signatures) q.signatures.push_back({s.index, s.signature});
    q.runs = wire::write_runs(q.commits, q.replica);
    ask(h, wire::encode(q));
}

/// What the hub does with it; its answer is not waited for.
void Rogue::ask(Machine& h, const std::string& request) {
    const auto asked = h.hub->read(request);
    const auto answer = w_.attempt(h, [&] { return h.hub->handle(request); });
    w_.know_author(h);
    w_.moved(h);
    if (!answer) {
        const auto code = answer.error().code;
        if (code == Errc::internal || code == Errc::corrupt)
            violated("17 bad actors contained",
                     "the hub fails at what " + m_.name() + " sends: " + answer.error().detail);
        return;
    }
    if (answer->size() > wire::kMessageBytesMax)
        violated("20 bounds", "an answer of " + std::to_string(answer->size()) + " bytes");
    if (!answer->empty() && h.is_up() && asked) w_.checks_.reply_left(h, w_.told_by(asked, *answer), w_.speakers(h));
    if (h.is_up()) w_.checks_.check_6_no_phantom(h);
}

bool Rogue::takes_from_hand(const Machine& to) const {
    return to.is_up() && &to != &m_ && (to.number == 0 || to.is_enrolled) && to.is_present();
}

/// Sealed to the receiver's key and signed by his own, in his own name or another's; about any stream.
void Rogue::by_bundle(Machine& to, const Letter& letter) {
    const auto& control = m_.replica->control();
    wire::Bundle b;
    b.city = control.city_mark();
    b.from = m_.replica->id();
    b.unit = m_.unit;
    b.level = m_.level;
    if (w_.one_in(6)) b.from = w_.reading_.authors().begin()->first;
    if (w_.one_in(6)) b.level = Level::city;
    b.to = to.unit;
    b.made_ms = w_.now_ms_;
    b.control = b.control_after = control.head();
    b.certificates = m_.replica->certificate_chain(m_.replica->id());
    b.certificates.insert(b.certificates.end(), letter.certificates.begin(), letter.certificates.end());
    b.commits = letter.packed;
    for (const auto& s : letter.signatures) b.signatures.push_back({s.index, s.signature});
    Packer packer;
    std::string bytes;
    for (const auto& packed : letter.packed) {
        if (!packer.unpack(packed, bytes)) return;
        const auto h = Commit::decode_header(bytes);
        if (!h) return;
        b.ranges.push_back({{h->stream, h->replica, Seq{h->seq.value - 1}, h->prev}, h->seq});
    }
    std::string inside, file = "TZB\x01";
    Writer w(inside);
    w.raw(taizhang::view(b.from.bytes));
    w.str(m_.keys.device->sign(kForBundle, wire::encode(b)));
    w.str(wire::encode(b));
    Writer frame(file);
    frame.u8(trust::kSodium);
    const std::vector<trust::PublicKey> receivers{to.keys.device->public_key()};
    const auto sealed = trust::seal_to(receivers, file, inside);
    if (!sealed) return;
    frame.str({});
    frame.str(*sealed);
    const auto mark = hash_of(file);
    frame.str(taizhang::view(mark.bytes));
    const auto done = w_.attempt(to, [&] { return sync::take_bundle(*to.replica, file); });
    w_.note("bundle of " + m_.name() + " to " + to.name() + " " +
            (done ? std::to_string(done->taken) : std::string(name_of(done.error().code))));
    if (!done && (done.error().code == Errc::internal || done.error().code == Errc::corrupt))
        violated("17 bad actors contained",
                 to.name() + " fails at a bundle of " + m_.name() + ": " + done.error().detail);
    arrived(to);
}

void Rogue::arrived(Machine& to) {
    w_.moved(to);
    if (!to.is_up()) return;
    w_.checks_.check_6_no_phantom(to);
    w_.checks_.check_17_acks(to);
    if (w_.one_in(2)) w_.checks_.check_state(to);
}

/// As carry_stick(): only what the receiver may hold lies on it.
void Rogue::by_stick(Machine& to, const Letter& letter) {
    Packer packer;
    std::string bytes;
    for (const auto& p : letter.packed) {
        if (!packer.unpack(p, bytes)) return;
        const auto h = Commit::decode_header(bytes);
        if (!h || !w_.reading_.holds(to.unit, h->stream)) return;
    }
    const std::vector<std::string_view> views(letter.packed.begin(), letter.packed.end());
    const auto done = w_.attempt(to, [&] {
        return to.replica->batch([&]() -> Result<> {
            for (const auto& body : letter.certificates) {
                TRY(const auto c, Certificate::decode(body));
                if (auto r = to.replica->add_certificate(c); !r && r.error().code != Errc::denied) return r;
            }
            TRY_VOID(to.replica->prove(views, letter.signatures));
            TRY_VOID(sync::receive_from_below(*to.replica, views));
            return {};
        });
    });
    w_.note("stick of " + m_.name() + " to " + to.name() + " " +
            (done ? "ok" : std::string(name_of(done.error().code))));
    if (!done && (done.error().code == Errc::internal || done.error().code == Errc::corrupt))
        violated("17 bad actors contained",
                 to.name() + " fails at a stick of " + m_.name() + ": " + done.error().detail);
    arrived(to);
}

}  // namespace taizhang::sim
