#include "replica/control.h"

#include <boost/json.hpp>

#include <algorithm>
#include <cstring>

namespace taizhang {
namespace json = boost::json;
namespace {

constexpr std::uint8_t kUnsigned = 1, kSigned = 2;  // formats
constexpr std::size_t kPayloadMax = 1u << 20;
std::string text_of(const json::object& o, std::string_view key) {
    const auto* v = o.if_contains(key);
    return v && v->is_string() ? std::string(v->as_string()) : std::string();
}

}  // namespace

std::string ControlEntry::signed_part() const {
    std::string out;
    Writer w(out);
    w.u8(kSigned);
    w.varint(pos.value);
    w.raw(view(prev.bytes));
    w.str(kind);
    w.str(payload);
    return out;
}

std::string ControlEntry::encode() const {
    auto out = signed_part();
    if (signature.empty())
        out.front() = static_cast<char>(kUnsigned);
    else
        Writer(out).str(signature);
    return out;
}

Result<ControlEntry> ControlEntry::decode(std::string_view bytes) {
    Reader r(bytes);
    ControlEntry e;
    const auto format = r.u8();
    if (format != kUnsigned && format != kSigned) r.poison();
    e.pos = ControlPos{r.varint()};
    e.prev.bytes = r.array<32>();
    e.kind = std::string(r.str());
    e.payload = std::string(r.str());
    if (format == kSigned) e.signature = std::string(r.str());
    if (!r.done() || e.pos.value == 0 || e.kind.empty() || e.kind.size() > 32 || e.payload.size() > kPayloadMax ||
        (format == kSigned && e.signature.empty()))
        return fail(Errc::protocol, "控制日志的条目已损坏 / control entry: malformed");
    return e;
}

std::string Certificate::signed_part() const {
    std::string out;
    Writer w(out);
    w.u8(suite == trust::kNoSuite ? kUnsigned : kSigned);
    w.raw(view(replica.bytes));
    w.str(unit);
    w.u8(static_cast<std::uint8_t>(level));
    w.varint(control.value);
    w.str(issuer);
    w.str(label);
    w.u8(suite);
    w.str(public_key);
    if (suite != trust::kNoSuite) {
        w.str(nonce);
        w.raw(view(issuer_replica.bytes));
    }
    return out;
}

std::string Certificate::encode() const {
    auto out = signed_part();
    Writer(out).str(signature);
    return out;
}

Result<Certificate> Certificate::decode(std::string_view bytes) {
    Reader r(bytes);
    Certificate c;
    const auto format = r.u8();
    if (format != kUnsigned && format != kSigned) r.poison();
    c.replica.bytes = r.array<16>();
    c.unit = std::string(r.str());
    const auto level = r.u8();
    c.level = static_cast<Level>(level);
    c.control = ControlPos{r.varint()};
    c.issuer = std::string(r.str());
    c.label = std::string(r.str());
    c.suite = r.u8();
    c.public_key = std::string(r.str());
    if (format == kSigned) {
        c.nonce = std::string(r.str());
        c.issuer_replica.bytes = r.array<16>();
    }
    c.signature = std::string(r.str());
    if (!r.done() || level < 1 || level > 4 || c.unit.empty() || bytes.size() > 4096 || c.replica.is_zero() ||
        (format == kSigned) != (c.suite != trust::kNoSuite))
        return fail(Errc::protocol, "证书已损坏 / certificate: malformed");
    return c;
}

bool Relation::may(std::uint32_t by) const {
    if (!reaches() || ((by & kOnlyAbove) && !above)) return false;
    if ((by & kByUnit) && unit) return true;
    if ((by & kByAbove) && above) return true;
    switch (level) {
        case Level::branch: return by & kByBranch;
        case Level::township: return by & kByTownship;
        case Level::county: return by & kByCounty;
        case Level::city: return by & kByCity;
        case Level::none: break;
    }
    return false;
}

int EntityBinding::group(std::string_view n) const {
    const auto it = std::find(groups.begin(), groups.end(), n);
    return it == groups.end() ? -1 : static_cast<int>(it - groups.begin());
}
int EntityBinding::field(std::string_view n) const {
    const auto it = std::find(fields.begin(), fields.end(), n);
    return it == fields.end() ? -1 : static_cast<int>(it - fields.begin());
}

std::uint64_t EntityVersion::freezes(int state) const {
    const auto& w = entity->workflow;
    if (state < 0 || static_cast<std::size_t>(state) >= w.freezes.size()) return 0;
    const auto declared = w.freezes[static_cast<std::size_t>(state)];
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < group_no.size(); ++i)
        if (declared >> i & 1) out |= std::uint64_t{1} << group_no[i];
    return out;
}

Result<> ControlState::apply(const ControlEntry& e, Trust trust) {
    if (e.pos.value != head_.value + 1 || e.prev != head_hash_)
        return fail(Errc::protocol, "市级日志第 " + std::to_string(e.pos.value) + " 条接不上第 " +
                                        std::to_string(head_.value) + " 条 / control log: entry " +
                                        std::to_string(e.pos.value) + " does not follow " +
                                        std::to_string(head_.value));
    if (e.pos.value == 1) TRY_VOID(apply_city(e));
    if (root_key_.empty() != e.signature.empty() ||
        (trust == Trust::check && !root_key_.empty() && !root_key_.verify(kForControl, e.signed_part(), e.signature)))
        return fail(Errc::protocol, "市级日志第 " + std::to_string(e.pos.value) +
                                        " 条不是本市的根密钥签发的 / control entry " + std::to_string(e.pos.value) +
                                        " is not signed by this city's root key");
    if (e.kind == "city") city_meta_ = e.payload;
    if (e.kind == "catalog") TRY_VOID(apply_catalog(e));
    if (e.kind == "unit") TRY_VOID(apply_unit(e));
    if (e.kind == "revoke") TRY_VOID(apply_revoke(e));
    if (e.kind == "release") TRY_VOID(apply_release(e));
    head_ = e.pos;
    head_hash_ = hash_of(e.encode());
    if (e.pos.value == 1) std::memcpy(&city_mark_, head_hash_.bytes.data(), sizeof city_mark_);
    return {};
}

/// Compared with what is known of each entity, which may be older than the version before.
Result<> ControlState::may_follow(const Catalog& next) const {
    if (catalog_version_ == 0) return {};
    TRY_VOID(taizhang::may_follow(catalog_version_, next.version()));
    if (next.needs_newer() > 0 || !newest_catalog()) return {};
    // Entities are never taken back, so the newest readable catalog has all of them.
    for (const auto& e : newest_catalog()->newer()) {
        const auto* was = newest(e.name);
        const auto* is = next.find(e.name);
        if (was && is) TRY_VOID(may_become(*was->entity, *is, next.version()));
    }
    if (newest_catalog()->version() == catalog_version_) return newest_catalog()->may_be_followed_by(next);
    for (const auto& e : newest_catalog()->entities())
        if (const auto* is = next.find(e.name)) TRY_VOID(may_become(e, *is, next.version()));
    return {};
}

/// The first entry may name the root key; the city's mark covers it.
Result<> ControlState::apply_city(const ControlEntry& e) {
    boost::system::error_code ec;
    const auto v = json::parse(e.payload, ec);
    const auto hex = !ec && v.is_object() ? text_of(v.as_object(), "root_key") : std::string();
    if (hex.empty()) return {};
    root_key_ = trust::PublicKey::decode(from_hex(hex));
    if (root_key_.empty())
        return fail(Errc::foreign_data,
                    "本市的根密钥属于更新的程序,请升级 / the city's root key is of a newer program: "
                    "upgrade");
    certs_.clear();  // what came before without a signature
    return {};
}

namespace {

template <class T>
bool read_hex(std::string_view hex, T& out) {
    const auto raw = from_hex(hex);
    if (raw.size() != out.bytes.size()) return false;
    std::memcpy(out.bytes.data(), raw.data(), raw.size());
    return true;
}

template <class T>
bool read_hex(const json::object& o, std::string_view key, T& out) {
    return read_hex(text_of(o, key), out);
}

}  // namespace

Result<> ControlState::apply_revoke(const ControlEntry& e) {
    const auto bad = fail(Errc::bad_input, "控制日志:吊销的内容有误 / control log: a revocation that makes no sense");
    boost::system::error_code ec;
    const auto v = json::parse(e.payload, ec);
    ReplicaId replica;
    if (ec || !v.is_object() || !read_hex(v.as_object(), "replica", replica)) return bad;
    Revocation r{e.pos, {}};
    const auto* streams = v.as_object().if_contains("streams");
    if (streams && !streams->is_object()) return bad;
    if (streams)
        for (const auto& [name, place] : streams->as_object()) {
            const auto stream = StreamId::parse(name);
            const auto* seq = place.is_object() ? place.as_object().if_contains("seq") : nullptr;
            Hash hash;
            if (stream.unit.empty() || !seq || !seq->is_int64() || seq->as_int64() < 1 ||
                !read_hex(place.as_object(), "hash", hash))
                return bad;
            r.last[stream] = {Seq{static_cast<std::uint64_t>(seq->as_int64())}, hash};
        }
    if (const auto* vouched = v.as_object().if_contains("vouched")) {
        if (!vouched->is_array()) return bad;
        r.vouched.emplace();
        for (const auto& one : vouched->as_array()) {
            ReplicaId id;
            if (!one.is_string() || !read_hex(std::string_view(one.as_string()), id)) return bad;
            r.vouched->insert(id);
        }
    }
    // Revoked once more, to draw the line elsewhere: what came after the first time was a thief's all the same.
    if (const auto before = revoked_.find(replica); before != revoked_.end()) r.since = before->second.since;
    revoked_[replica] = std::move(r);
    return {};
}

Result<> ControlState::apply_release(const ControlEntry& e) {
    boost::system::error_code ec;
    const auto v = json::parse(e.payload, ec);
    Hash hash;
    if (ec || !v.is_object() || !read_hex(v.as_object(), "hash", hash))
        return fail(Errc::bad_input, "控制日志:放行的内容有误 / control log: a release that makes no sense");
    released_.insert(hash);
    return {};
}

/// By which nothing of it counts: those of who vouched for itself after it was revoked, or before, or in secret.
std::vector<const Revocation*> ControlState::revocations_above(const ReplicaId& replica) const {
    std::vector<const Revocation*> out;
    if (revoked_.empty()) return out;
    const auto* c = cert(replica);
    for (std::size_t n = 0; c && !c->issuer_replica.is_zero() && n < kChainMax; ++n) {
        const auto* by = cert(c->issuer_replica);
        if (!by) break;
        if (const auto it = revoked_.find(by->replica); it != revoked_.end()) {
            const auto& vouched = it->second.vouched;
            const bool is_itself = by->key() == c->key();
            if (is_itself || (vouched && !vouched->contains(c->replica)))
                out.push_back(&it->second);
            else
                break;  // the city named whoever vouched, and not this one: nothing above says more of it
        }
        c = by;
    }
    return out;
}

const Revocation* ControlState::revocation(const ReplicaId& replica) const {
    if (const auto it = revoked_.find(replica); it != revoked_.end()) return &it->second;
    static const Revocation nothing_counts;
    return revocations_above(replica).empty() ? nullptr : &nothing_counts;
}

/// The first entry by which its word counts no more. Not how it was named by: whoever took its word before that entry
/// came has to come to the same as whoever takes it later.
std::optional<ControlPos> ControlState::revoked_since(const ReplicaId& replica) const {
    auto all = revocations_above(replica);
    if (const auto it = revoked_.find(replica); it != revoked_.end()) all.push_back(&it->second);
    std::optional<ControlPos> since;
    for (const auto* r : all)
        if (!since || r->since < *since) since = r->since;
    return since;
}

bool ControlState::speaks_for_city(const ReplicaId& replica) const {
    const auto* c = cert(replica);
    if (!c || c->unit != root_ || revocation(replica)) return false;
    for (std::size_t n = 0; n < kChainMax; ++n) {
        if (c->issuer_replica.is_zero()) return true;
        const auto* by = cert(c->issuer_replica);
        if (!by || by->unit != root_ || by->key() != c->key()) return false;
        c = by;
    }
    return false;
}

Result<> ControlState::apply_catalog(const ControlEntry& e) {
    TRY(auto catalog, Catalog::parse(e.payload, "catalog", knows_));
    TRY_VOID(may_follow(*catalog));
    catalog_version_ = catalog->version();
    catalog_since_[catalog_version_] = e.pos;
    if (catalog->needs_newer() > 0) {
        newer_versions_[catalog_version_] = catalog->needs_newer();
        has_newer_ = true;
        return {};
    }
    has_newer_ = has_newer_ || !catalog->newer().empty();
    versions_[catalog_version_];
    for (const auto& entity : catalog->entities()) TRY_VOID(bind(entity, catalog_version_));
    catalogs_[catalog_version_] = std::move(catalog);
    return {};
}

/// Numbers what the entity has in this node's numbers, the newest definitions in front.
Result<> ControlState::bind(const Entity& entity, std::uint32_t version) {
    auto it = std::find_if(bindings_.begin(), bindings_.end(), [&](const auto& b) { return b->name == entity.name; });
    if (it == bindings_.end()) {
        auto b = std::make_unique<EntityBinding>();
        b->number = static_cast<int>(bindings_.size());
        b->name = entity.name;
        bindings_.push_back(std::move(b));
        it = bindings_.end() - 1;
    }
    auto& b = **it;
    b.newest = &entity;
    auto v = std::make_unique<EntityVersion>();
    v->entity = &entity;
    v->binding = &b;
    for (const auto& g : entity.groups) {
        if (b.group(g.name) < 0) b.groups.push_back(g.name);
        const auto n = b.group(g.name);
        b.group_defs.resize(b.groups.size());
        b.steady.resize(b.groups.size(), true);
        auto& before = b.group_defs[static_cast<std::size_t>(n)];
        if (before && before->rule != g.rule) b.steady[static_cast<std::size_t>(n)] = false;
        before = &g;
        v->group_no.push_back(n);
        b.plain.resize(b.groups.size(), true);
        const bool is_register = g.rule != fold::Rule::append && g.rule != fold::Rule::set && g.rule != fold::Rule::sum;
        if (!is_register) b.plain[static_cast<std::size_t>(n)] = false;
    }
    for (const auto& f : entity.fields) {
        if (b.field(f.name) < 0) b.fields.push_back(f.name);
        const auto n = b.field(f.name);
        b.field_defs.resize(b.fields.size());
        b.field_defs[static_cast<std::size_t>(n)] = &f;
        v->field_no.push_back(n);
    }
    b.group_fields.resize(b.groups.size());
    for (std::size_t g = 0; g < entity.groups.size(); ++g) {
        const auto n = static_cast<std::size_t>(v->group_no[g]);
        std::vector<int> fields;
        for (const auto f : entity.groups[g].fields) fields.push_back(v->field_no[static_cast<std::size_t>(f)]);
        std::sort(fields.begin(), fields.end());
        auto& before = b.group_fields[n];
        if (!before.empty() && before != fields) b.steady[n] = false;
        before = std::move(fields);
    }
    b.ever_freezes.resize(std::max(b.ever_freezes.size(), entity.workflow.states.size()));
    for (std::size_t i = 0; i < entity.workflow.states.size(); ++i)
        b.ever_freezes[i] |= v->freezes(static_cast<int>(i));
    if (b.groups.size() > 63)
        return fail(Errc::bad_input,
                    "目录:" + entity.name + " 的字段组超过 63 个 / catalog: more than 63 groups in " + entity.name);
    versions_[version][entity.name] = std::move(v);
    return {};
}

/// A closed unit has nobody below it, and its successor is of its own level and not closed itself.
Result<> ControlState::check_abolition(const Unit& u) const {
    if (!u.abolished) return {};
    if (u.id == root_) return fail(Errc::bad_input, "市级单位不能撤销 / the root unit cannot be closed");
    for (const auto& id : unit_order_) {
        const auto* below = unit(id);
        if (below->parent == u.id && !below->abolished)
            return fail(Errc::bad_input, u.id + " 还有下级单位 " + id + ",请先把它移走 / " + u.id + " still has " + id +
                                             " below it: move that first");
    }
    if (u.merged_into.empty()) return {};
    const auto* next = unit(u.merged_into);
    if (!next || next->abolished || next->level != u.level || next->id == u.id)
        return fail(Errc::bad_input, "不能并入 " + u.merged_into + ":要是同级、未撤销的单位 / cannot merge into " +
                                         u.merged_into + ": it must be a unit of the same level that is not closed");
    return {};
}

Result<> ControlState::apply_unit(const ControlEntry& e) {
    boost::system::error_code ec;
    const auto v = json::parse(e.payload, ec);
    if (ec || !v.is_object())
        return fail(Errc::bad_input, "控制日志:单位不是 JSON / control log: a unit that is not JSON");
    const auto& o = v.as_object();
    Unit u{e.pos,
           text_of(o, "id"),
           text_of(o, "parent_id"),
           level_from(text_of(o, "level")),
           text_of(o, "name"),
           text_of(o, "short"),
           e.payload};
    u.merged_into = text_of(o, "merged_into");
    if (const auto* a = o.if_contains("abolished"); a && a->is_bool()) u.abolished = a->as_bool();
    u.abolished = u.abolished || !u.merged_into.empty();
    TRY_VOID(check_abolition(u));
    // Its place is below its successor: who holds the one holds the other.
    if (!u.merged_into.empty()) u.parent = u.merged_into;
    if (u.id.empty() || u.id.size() > 64 || u.level == Level::none)
        return fail(Errc::bad_input, "控制日志:单位缺少编号或级别 / control log: a unit without id or level");
    if (u.parent.empty()) {
        if (!root_.empty() && root_ != u.id)
            return fail(Errc::bad_input, "控制日志:已有最高单位 " + root_ + " / control log: a second root " + u.id);
        root_ = u.id;
    } else if (!unit(u.parent)) {
        return fail(Errc::bad_input,
                    "控制日志:" + u.id + " 的上级不存在 / control log: unit " + u.id + " below an unknown one");
    } else if (is_at_or_below(u.parent, u.id, head_)) {
        return fail(Errc::bad_input, "控制日志:" + u.id + " 在自己之下 / control log: unit " + u.id + " below itself");
    }
    if (u.short_name.empty()) u.short_name = u.name.empty() ? u.id : u.name;
    auto& history = units_[u.id];
    if (history.empty()) {
        unit_order_.push_back(u.id);
    } else {
        moves_.push_back(e.pos);
        std::erase(below_[history.back().parent], u.id);
    }
    below_[u.parent].push_back(u.id);
    history.push_back(std::move(u));
    return {};
}

ControlState::Judgement ControlState::judge(const Certificate& c) const {
    const auto bad = [&](const std::string& zh, const std::string& en) {
        return Judgement{Verdict::bad, "证书无效(" + c.unit + "):" + zh + " / certificate of " + c.unit + ": " + en};
    };
    if (c.suite == trust::kNoSuite)
        return is_signed() ? bad("没有签名", "is not signed") : Judgement{Verdict::good, {}};
    if (!is_signed())
        return head_.value == 0 ? Judgement{Verdict::waits, {}} : bad("本市没有根密钥", "this city has no root key");
    const auto key = trust::PublicKey::decode(c.key().encode());
    if (key.empty() || c.nonce.size() != trust::kNonceBytes || trust::replica_id(key, c.nonce) != c.replica)
        return bad("编号与密钥不符", "its replica is not of its key");
    if (c.control > head_) return {Verdict::waits, {}};
    const auto* u = unit(c.unit, c.control);
    if (!u || u->level != c.level) return bad("没有这个单位或级别", "there is no such unit or level");
    if (c.issuer_replica.is_zero())
        return root_key_.verify(kForCertificate, c.signed_part(), c.signature)
                   ? Judgement{Verdict::good, {}}
                   : bad("根密钥的签名不对", "the root key's signature does not fit");
    const auto* by = cert(c.issuer_replica);
    if (!by) return {Verdict::waits, {}};
    if (const auto since = revoked_since(by->replica); since && c.control >= *since)
        return bad("签发单位的电脑已吊销", "its issuer's device was revoked");
    // A device vouches for its own next incarnation; offices above the branches for themselves and whoever is below.
    const bool is_itself = by->key() == key && by->unit == c.unit;
    const bool may = by->level > Level::branch && is_at_or_below(c.unit, authority(by->unit, c.control), c.control);
    if (!is_itself && !may) return bad("签发单位无权", "its issuer may not vouch for this unit");
    if (!by->key().verify(kForCertificate, c.signed_part(), c.signature))
        return bad("签名不对", "the issuer's signature does not fit");
    return {Verdict::good, {}};
}

Result<> ControlState::add(const Certificate& cert) {
    const auto it = certs_.find(cert.replica);
    if (it != certs_.end() && (it->second.unit != cert.unit || it->second.level != cert.level))
        return fail(Errc::protocol, "证书无效:这台电脑已属于 " + it->second.unit + " / certificate: replica " +
                                        cert.replica.hex() + " already belongs to " + it->second.unit);
    certs_.insert_or_assign(cert.replica, cert);
    return {};
}

const Certificate* ControlState::cert(const ReplicaId& replica) const {
    const auto it = certs_.find(replica);
    return it == certs_.end() ? nullptr : &it->second;
}

const Unit* ControlState::unit(const std::string& id, ControlPos at) const {
    const auto it = units_.find(id);
    if (it == units_.end()) return nullptr;
    const Unit* found = nullptr;
    for (const auto& u : it->second)
        if (u.since <= at) found = &u;
    return found;
}

bool ControlState::is_abolished(const std::string& id, ControlPos at) const {
    const auto* u = unit(id, at);
    return u && u->abolished;
}

const std::string& ControlState::successor(const std::string& id, ControlPos at) const {
    const auto* u = unit(id, at);
    // A successor was open when it was named, so a chain of them ends.
    while (u && !u->merged_into.empty()) {
        const auto* next = unit(u->merged_into, at);
        if (!next || next == u) break;
        u = next;
    }
    return u ? u->id : id;
}

const std::string& ControlState::authority(const std::string& id, ControlPos at) const {
    const auto* u = unit(id, at);
    if (!u || u->abolished) return id;
    while (!u->parent.empty()) {
        const auto* p = unit(u->parent, at);
        if (!p || p->level != u->level) break;
        u = p;
    }
    return u->id;
}

bool ControlState::is_at_or_below(const std::string& id, const std::string& top, ControlPos at) const {
    const auto* u = unit(id, at);
    // The tree has no cycles (apply_unit), and moves keep it so.
    while (u) {
        if (u->id == top) return true;
        u = u->parent.empty() ? nullptr : unit(u->parent, at);
    }
    return false;
}

Relation ControlState::relation(const Certificate& author, const StreamId& stream, ControlPos at) const {
    Relation r;
    r.level = author.level;
    if (!unit(author.unit, at) || !unit(stream.unit, at) || is_abolished(author.unit, at)) return r;
    const auto& reach = authority(author.unit, at);
    r.unit = author.unit == stream.unit || reach == successor(stream.unit, at);
    r.above = !r.unit && is_at_or_below(stream.unit, reach, at);
    // The root office stands above its own departments, and above nobody else's root.
    if (author.unit == root_ && stream.unit == root_) r.above = true;
    return r;
}

bool ControlState::holds(const std::string& id, const StreamId& stream, ControlPos at) const {
    if (is_at_or_below(stream.unit, authority(id, at), at)) return true;
    return stream.audience == Audience::notice && is_at_or_below(id, stream.unit, at);
}

std::vector<StreamId> ControlState::scope(const std::string& id) const {
    std::vector<StreamId> out;
    if (!unit(id)) return out;
    // Whose reach it has, and all below that.
    std::vector<std::string> reach{authority(id, head_)};
    for (std::size_t i = 0; i < reach.size(); ++i) {
        out.push_back({reach[i], Audience::ledger});
        out.push_back({reach[i], Audience::notice});
        if (const auto below = below_.find(reach[i]); below != below_.end())
            reach.insert(reach.end(), below->second.begin(), below->second.end());
    }
    for (const auto* u = unit(id); u; u = u->parent.empty() ? nullptr : unit(u->parent))
        out.push_back({u->id, Audience::notice});
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

bool ControlState::held_ever(const std::string& id, const StreamId& stream) const {
    return holds(id, stream) || std::any_of(moves_.begin(), moves_.end(), [&](const auto& at) {
               return holds(id, stream, ControlPos{at.value - 1});  // before it moved
           });
}

bool ControlState::scope_differs(const std::string& id, ControlPos a, ControlPos b) const {
    const auto& reach_a = authority(id, a);
    const auto& reach_b = authority(id, b);
    return std::any_of(unit_order_.begin(), unit_order_.end(), [&](const auto& u) {
        return is_at_or_below(u, reach_a, a) != is_at_or_below(u, reach_b, b) ||
               is_at_or_below(id, u, a) != is_at_or_below(id, u, b);
    });
}

const EntityVersion* ControlState::entity(std::string_view name, std::uint32_t version, ControlPos at) const {
    const auto since = catalog_since_.find(version);
    if (since == catalog_since_.end() || since->second > at) return nullptr;
    const auto by_name = versions_.find(version);
    if (by_name == versions_.end()) return nullptr;  // left to newer programs
    const auto it = by_name->second.find(std::string(name));
    return it == by_name->second.end() ? nullptr : it->second.get();
}

const EntityVersion* ControlState::newest(std::string_view name) const {
    const std::string key(name);
    for (auto v = versions_.rbegin(); v != versions_.rend(); ++v)
        if (const auto it = v->second.find(key); it != v->second.end()) return it->second.get();
    return nullptr;
}

std::uint32_t ControlState::needs_newer(std::string_view name, std::uint32_t version, ControlPos at) const {
    if (!has_newer_) return 0;
    const auto since = catalog_since_.find(version);
    if (since == catalog_since_.end() || since->second > at) return 0;
    if (const auto it = newer_versions_.find(version); it != newer_versions_.end()) return it->second;
    const auto* e = catalogs_.at(version)->find_newer(name);
    return e ? e->needs : 0;
}

std::uint32_t ControlState::needs_newer(std::string_view name) const {
    const auto* e = has_newer_ && newest_catalog() ? newest_catalog()->find_newer(name) : nullptr;
    return e ? e->needs : 0;
}

}  // namespace taizhang
