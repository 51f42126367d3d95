// Opening, numbers, facts, time, the control log: what a replica knows beside its rows.
#include "base/embedded.h"
#include "base/id_from.h"
#include "replica/contradiction.h"
#include "replica/impl.h"

#include <boost/json.hpp>

#include <algorithm>

namespace taizhang {

namespace {

constexpr std::int64_t kApplicationId = 0x545a4847;  // "TZHG"
// A database's user_version says how many of these it has run. A script that was released is never edited.
const std::string_view* const kSchema[] = {
    &embedded::engine_schema_1, &embedded::engine_schema_2, &embedded::engine_schema_3, &embedded::engine_schema_4,
    &embedded::engine_schema_5, &embedded::engine_schema_6, &embedded::engine_schema_7, &embedded::engine_schema_8};
constexpr std::int64_t kSchemaVersion = std::size(kSchema);
// How far a PC's clock may lie behind what a hub said before it counts as wrong; and how far ahead.
constexpr std::int64_t kBehindMax = 10 * 60'000, kAheadMax = std::int64_t{400} * 86'400'000;
// The city's own server has nobody to ask: what it goes by is its clock of the days before. One that was off for years
// is believed, 2099 is not.
constexpr std::int64_t kServerAheadMax = std::int64_t{10} * 366 * 86'400'000;
// No PC of ours was set right before 2024-01-01, nor is any after 2074-01-01: a clock beyond is of another age.
constexpr std::int64_t kPlausibleMs = 1'704'067'200'000, kPlausibleEndMs = 3'282'000'000'000;
// A word that lies so far ahead of the hub's and this PC's own clock, where those two agree, was wrong. Lower: a zone
// that both have set wrong takes hours away; higher: who began under a wrong clock waits longer.
constexpr std::int64_t kWrongWordMs = std::int64_t{30} * 86'400'000;
constexpr std::size_t kBatchControl = 4096;

/// Of a query that always gives one row.
Result<std::int64_t> number(sqlite::Database& db, const char* sql) {
    TRY(auto s, db.prepare(sql, false));
    TRY_VOID(s.step());
    return s.integer(0);
}

Result<std::string> with_root_key(const std::string& city, const trust::PublicKey& key) {
    boost::system::error_code ec;
    auto v = boost::json::parse(city, ec);
    if (ec || !v.is_object())
        return fail(Errc::bad_input, "控制日志:城市信息不是 JSON / control log: a city that is not JSON");
    v.as_object()["root_key"] = to_hex(key.encode());
    return boost::json::serialize(v);
}

std::string number_text(std::int64_t v) { return std::to_string(v); }
std::int64_t number_of(const std::string& s) { return s.empty() ? 0 : std::strtoll(s.c_str(), nullptr, 10); }

}  // namespace

// ------------------------------------------------------------------ opening

Result<> Replica::Impl::open() {
    sqlite::OpenOptions o;
    o.vfs = options.vfs;
    o.application_id = kApplicationId;
    o.version_max = kSchemaVersion;
    TRY(db, sqlite::Database::open(options.path, o));
    TRY(const auto tables_there, number(*db, "SELECT count(*) FROM sqlite_schema"));
    TRY(const auto version, number(*db, "PRAGMA user_version"));
    if (tables_there == 0) {
        TRY_VOID(create());
    } else if (version < kSchemaVersion) {
        TRY_VOID(upgrade(version));
    }
    TRY_VOID(prepare());
    return load_state();
}

Result<> Replica::Impl::upgrade(std::int64_t from) {
    auto work = [&]() -> Result<> {
        for (auto i = from; i < kSchemaVersion; ++i) TRY_VOID(db->exec(std::string(*kSchema[i])));
        return db->exec("PRAGMA user_version = " + std::to_string(kSchemaVersion));
    };
    TRY_VOID(db->begin());
    if (auto r = work(); !r) {
        db->rollback();
        return r;
    }
    return db->commit();
}

Result<> Replica::Impl::create() {
    TRY_VOID(db->begin());
    auto work = [&]() -> Result<> {
        for (const auto* script : kSchema) TRY_VOID(db->exec(std::string(*script)));
        TRY_VOID(db->exec("PRAGMA application_id = " + std::to_string(kApplicationId) +
                          "; PRAGMA user_version = " + std::to_string(kSchemaVersion)));
        TRY_VOID(prepare());
        if (!options.incarnation) return new_name();
        return set_fact("replica", std::string(taizhang::view(options.incarnation->bytes)));
    };
    if (auto r = work(); !r) {
        db->rollback();
        return r;
    }
    return db->commit();
}

Result<> Replica::Impl::prepare() {
    const std::pair<sqlite::Statement*, const char*> all[] = {
        {&log_insert,
         "INSERT INTO log(lsn, stream, replica, seq, hash, origin, received_ms, prev, body, sig) "
         "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)"},
        {&log_get, "SELECT hash, body FROM log WHERE lsn = ?1"},
        {&log_hash, "SELECT hash FROM log WHERE lsn = ?1"},
        {&log_hashes, "SELECT lsn, hash FROM log WHERE lsn > ?1 AND lsn <= ?2"},
        {&log_prev, "SELECT prev FROM log WHERE lsn = ?1"},
        {&log_set_prev, "UPDATE log SET prev = ?2 WHERE lsn = ?1"},
        {&chain_last,
         "SELECT seq, hash, origin FROM log WHERE stream = ?1 AND replica = ?2 ORDER BY seq DESC, lsn LIMIT 1"},
        {&chain_at, "SELECT hash FROM log WHERE stream = ?1 AND replica = ?2 AND seq = ?3"},
        {&chain_next,
         "SELECT lsn, seq, hash, origin, received_ms, body, sig FROM log WHERE stream = ?1 AND replica = ?2 AND seq > "
         "?3 "
         "ORDER BY seq, lsn"},
        {&conflict_delete, "DELETE FROM conflict WHERE entity = ?1 AND row = ?2 AND stream = ?3"},
        {&conflict_insert,
         "INSERT INTO conflict(entity, row, stream, grp, loser, kind, decided_by, winner, rule) "
         "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)"},
        {&fact_get, "SELECT value FROM fact WHERE key = ?1"},
        {&fact_set,
         "INSERT INTO fact(key, value) VALUES(?1, ?2) ON CONFLICT DO UPDATE SET value = ?2 WHERE value IS NOT ?2"},
        {&wait_set,
         "INSERT INTO waiting(lsn, reason, what) VALUES(?1, ?2, ?3) ON CONFLICT DO UPDATE SET reason = ?2, what = ?3"},
        {&wait_delete, "DELETE FROM waiting WHERE lsn = ?1"},
    };
    for (const auto& [statement, sql] : all) {
        TRY(*statement, db->prepare(sql));
    }
    return {};
}

Result<> Replica::Impl::load_control() {
    ++control_reads;
    tables.clear();
    control = ControlState(options.knows.catalog_level);
    {
        TRY(auto s, db->prepare("SELECT body, hash, pos FROM control ORDER BY pos", false));
        for (;;) {
            TRY(const bool row, s.step());
            if (!row) break;
            const auto done = [&]() -> Result<> {
                TRY(const auto e, ControlEntry::decode(s.blob(0)));
                return control.apply(e, ControlState::Trust::checked);
            }();
            // A later entry's word on this one comes too late, and to the newest nobody has given one.
            const auto hash = done ? control.head_hash() : hash_of(s.blob(0));
            if (taizhang::view(hash.bytes) != s.blob(1))
                return fail(Errc::corrupt, "市级日志第 " + std::to_string(s.integer(2)) +
                                               " 条已损坏,请从上级重新取得数据 / control entry " +
                                               std::to_string(s.integer(2)) +
                                               " is damaged: set this device up anew from the office above");
            TRY_VOID(done);
        }
    }
    TRY_VOID(load_waiting_certificates());
    TRY(auto s, db->prepare("SELECT body FROM certificate", false));
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) break;
        TRY(auto c, Certificate::decode(s.blob(0)));
        TRY_VOID(control.add(c));
    }
    return sync_tables();
}

Result<> Replica::Impl::load_numbers() {
    replica_nos.clear();
    replica_ids.clear();
    stream_nos.clear();
    stream_ids.clear();
    ours.clear();
    ++streams_version;
    {
        TRY(auto s, db->prepare("SELECT no, id FROM replica", false));
        for (;;) {
            TRY(const bool row, s.step());
            if (!row) break;
            const auto id = id_from<ReplicaId>(s.blob(1));
            replica_nos[id] = static_cast<int>(s.integer(0));
            replica_ids[static_cast<int>(s.integer(0))] = id;
        }
    }
    {
        TRY(auto s, db->prepare("SELECT no, unit, audience FROM stream", false));
        for (;;) {
            TRY(const bool row, s.step());
            if (!row) break;
            const StreamId id{std::string(s.text(1)), s.integer(2) == 0 ? Audience::ledger : Audience::notice};
            stream_nos[id] = static_cast<int>(s.integer(0));
            stream_ids[static_cast<int>(s.integer(0))] = id;
        }
    }
    TRY(const auto head, number(*db,
                                "SELECT max(coalesce((SELECT max(lsn) FROM log), 0), "
                                "coalesce((SELECT max(first_lsn + seq - 1) FROM floor), 0))"));
    TRY(const auto given, fact("log/head"));  // places whose commits were evicted are not given again
    head_lsn = std::max(static_cast<std::uint64_t>(head), static_cast<std::uint64_t>(number_of(given)));
    in_wait.clear();
    waits_for.fill(0);
    {
        TRY(auto s, db->prepare("SELECT lsn, reason, what FROM waiting", false));
        for (;;) {
            TRY(const bool row, s.step());
            if (!row) break;
            const auto w = Wait::parse(s.text(1), s.text(2));
            ++waits_for[static_cast<std::size_t>(w.reason)];
            in_wait.emplace(s.unsigned_integer(0), w);
        }
    }
    heads.clear();
    forked.clear();
    {
        TRY(auto s, db->prepare("SELECT key FROM fact WHERE key >= 'fork/' AND key < 'fork0'", false));
        for (;;) {
            TRY(const bool row, s.step());
            if (!row) break;
            const auto key = s.text(0).substr(5);
            const auto slash = key.rfind('/');
            const auto stream = stream_nos.find(StreamId::parse(key.substr(0, slash)));
            const auto replica = replica_nos.find(id_from<ReplicaId>(from_hex(key.substr(slash + 1))));
            if (stream != stream_nos.end() && replica != replica_nos.end())
                forked.insert(chain_key(stream->second, replica->second));
        }
    }

    TRY_VOID(load_checkpoints());

    // The clock's high water is in the newest commits of this replica's own chains.
    last_time = 0;
    places_loaded = false;
    log_sums = {};
    own_streams.clear();
    if (const auto own = replica_nos.find(self); own != replica_nos.end()) {
        TRY(auto newest,
            db->prepare("SELECT lsn FROM log WHERE stream = ?1 AND replica = ?2 ORDER BY seq DESC LIMIT 1", false));
        for (const auto& [id, no] : stream_nos) {
            newest.bind(1, no).bind(2, own->second);
            TRY(const bool row, newest.step());
            if (!row) continue;
            const auto lsn = newest.unsigned_integer(0);
            newest.reset();
            own_streams.push_back(no);
            Loaded* l = nullptr;
            TRY_VOID(load_commit(lsn, l));
            last_time = std::max(last_time, l->commit.header.time);
        }
    }
    return {};
}

/// What checkpoints and dropped history mean for the chains here.
Result<> Replica::Impl::load_checkpoints() {
    unstamped.clear();
    unstamped_of.clear();
    horizon_chains.clear();
    evicted.clear();
    TRY(auto gone,
        db->prepare("SELECT key, value FROM fact WHERE key >= 'evicted/' AND key < 'evicted0' AND value <> x''",
                    false));
    for (;;) {
        TRY(const bool row, gone.step());
        if (!row) break;
        if (const auto it = stream_nos.find(StreamId::parse(gone.text(0).substr(8))); it != stream_nos.end())
            evicted[it->second] = static_cast<std::uint64_t>(number_of(std::string(gone.blob(1))));
    }
    TRY(const auto dropped, fact("dropped"));
    has_dropped = !dropped.empty();
    const auto each = [&](const char* sql, auto&& f) -> Result<> {
        TRY(auto s, db->prepare(sql, false));
        for (;;) {
            TRY(const bool row, s.step());
            if (!row) return {};
            f(s);
        }
    };
    // CROSS JOIN keeps the order: the other way round all of the log is gone through, at each refused transaction.
    TRY_VOID(each("SELECT u.lsn, l.stream FROM unstamped u CROSS JOIN log l USING(lsn)", [&](const auto& s) {
        unstamped.insert(s.unsigned_integer(0));
        unstamped_of[static_cast<int>(s.integer(1))].push_back(s.unsigned_integer(0));
    }));
    TRY_VOID(each("SELECT DISTINCT stream, replica FROM horizon", [&](const auto& s) {
        horizon_chains.insert(chain_key(static_cast<int>(s.integer(0)), static_cast<int>(s.integer(1))));
    }));
    return load_floors();
}

/// Who this is, and whether its name was seen elsewhere.
Result<> Replica::Impl::read_name() {
    TRY(const auto id, fact("replica"));
    if (id.size() != self.bytes.size())
        return fail(Errc::corrupt, "数据库缺少本机编号 / the database has lost its replica id: " + options.path);
    std::memcpy(self.bytes.data(), id.data(), self.bytes.size());
    TRY(const auto was_copied, fact("copied"));
    copied = !was_copied.empty();
    return {};
}

Result<> Replica::Impl::load_state() {
    TRY_VOID(read_name());
    TRY_VOID(load_control());
    TRY_VOID(load_numbers());
    TRY(const auto trusted, fact("trusted_ms"));
    trusted_ms = number_of(trusted);
    return meet_program();
}

Result<std::unique_ptr<Replica>> Replica::open(Options options, Environment env) {
    auto impl = std::make_unique<Impl>(std::move(options), std::move(env));
    TRY_VOID(impl->open());
    return std::unique_ptr<Replica>(new Replica(std::move(impl)));
}

Replica::Replica(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Replica::~Replica() = default;
const ReplicaId& Replica::id() const { return impl_->self; }
const ControlState& Replica::control() const { return impl_->control; }
sqlite::Database& Replica::database() { return *impl_->db; }
bool Replica::is_copied() const { return impl_->copied; }
Lsn Replica::log_head() const { return Lsn{impl_->head_lsn}; }

// ------------------------------------------------------------------ numbers

Result<int> Replica::Impl::replica_no(const ReplicaId& id) {
    if (const auto it = replica_nos.find(id); it != replica_nos.end()) return it->second;
    const int no = static_cast<int>(replica_nos.size()) + 1;
    TRY(auto s, db->prepare("INSERT INTO replica(no, id) VALUES(?1, ?2)", false));
    s.bind(1, no).bind_blob(2, taizhang::view(id.bytes));
    TRY_VOID(s.run());
    replica_nos[id] = no;
    replica_ids[no] = id;
    return no;
}

Result<int> Replica::Impl::stream_no(const StreamId& id) {
    if (const auto it = stream_nos.find(id); it != stream_nos.end()) return it->second;
    const int no = static_cast<int>(stream_nos.size()) + 1;
    TRY(auto s, db->prepare("INSERT INTO stream(no, unit, audience) VALUES(?1, ?2, ?3)", false));
    s.bind(1, no).bind(2, std::string_view(id.unit)).bind(3, static_cast<int>(id.audience));
    TRY_VOID(s.run());
    stream_nos[id] = no;
    stream_ids[no] = id;
    ++streams_version;
    return no;
}

// ------------------------------------------------------------------ facts and time

Result<std::string> Replica::Impl::fact(const std::string& key) {
    fact_get.bind(1, std::string_view(key));
    TRY(const bool row, fact_get.step());
    if (!row) return std::string();
    std::string value(fact_get.blob(0));
    fact_get.reset();
    return value;
}

Result<> Replica::Impl::set_fact(const std::string& key, const std::string& value) {
    fact_set.bind(1, std::string_view(key)).bind_blob(2, value);
    return fact_set.run();
}

Result<std::string> Replica::fact(const std::string& key) { return impl_->fact(key); }
Result<> Replica::set_fact(const std::string& key, const std::string& value) {
    if (key.starts_with("ack/")) impl_->places_loaded = false;
    return impl_->batch([&] { return impl_->set_fact(key, value); });
}

Result<std::vector<std::pair<std::string, std::string>>> Replica::facts(const std::string& prefix) {
    std::vector<std::pair<std::string, std::string>> out;
    TRY(auto s, impl_->db->prepare("SELECT key, value FROM fact WHERE key >= ?1 ORDER BY key", false));
    s.bind(1, std::string_view(prefix));
    for (;;) {
        TRY(const bool row, s.step());
        if (!row || !s.text(0).starts_with(prefix)) break;
        out.emplace_back(s.text(0), s.blob(1));
    }
    return out;
}

Result<> Replica::trust_time(std::int64_t wall_ms) {
    auto& m = *impl_;
    if (wall_ms > kPlausibleEndMs) return {};
    // Trust never goes back: a hub with a wrong clock cannot take time away. Nor may it give years: what it said before
    // and this PC agree, and it is the odd one out. So is the word that a city gave in its first minute under a clock
    // that was years ahead, once the hub and this PC say the same.
    const auto apart = m.env.wall_ms() - wall_ms;
    const bool was_wrong =
        m.trusted_ms - wall_ms > kWrongWordMs && wall_ms >= kPlausibleMs && apart >= -kBehindMax && apart <= kBehindMax;
    if (wall_ms < m.trusted_ms && !was_wrong) return {};
    const auto here = m.now();
    if (m.trusted_ms != 0 && !here.unverified && wall_ms > here.ms + kAheadMax) return {};
    TRY_VOID(m.batch([&] { return m.set_fact("trusted_ms", number_text(wall_ms)); }));
    m.trusted_ms = wall_ms;
    m.trusted_at_steady = m.env.steady_ms();
    m.trusted_in_process = true;
    return {};
}

Replica::Now Replica::Impl::now() const {
    const auto wall = env.wall_ms();
    if (trusted_ms == 0) return {wall, wall < kPlausibleMs || wall > kPlausibleEndMs};
    const auto at_least = trusted_ms + (trusted_in_process ? env.steady_ms() - trusted_at_steady : 0);
    if (wall < at_least - kBehindMax) return {at_least, true};
    if (wall > at_least + kAheadMax && !(wall <= at_least + kServerAheadMax && control.speaks_for_city(self)))
        return {at_least, true};
    return {wall, false};
}

/// Own stamps that lie years ahead of a clock that is believed were made under another one: they bind nothing.
std::uint64_t Replica::Impl::last_stamp(const Now& at) const {
    const auto ms = static_cast<std::int64_t>(last_time >> 16);
    return !at.unverified && ms > at.ms + kAheadMax ? 0 : last_time;
}

Replica::Now Replica::now() const { return impl_->now(); }
void Replica::random(std::span<std::uint8_t> out) const { impl_->env.random(out); }

// ------------------------------------------------------------------ the control log

Result<> Replica::Impl::sync_tables() {
    for (const auto& b : control.bindings()) {
        const auto n = static_cast<std::size_t>(b->number);
        if (tables.size() <= n) tables.resize(n + 1);
        if (!tables[n]) tables[n] = std::make_unique<RowTable>(*db, *b);
        TRY_VOID(tables[n]->ensure());
    }
    return {};
}

Result<> Replica::Impl::add_entry(const ControlEntry& e) {
    control_changed = true;
    TRY_VOID(flush());  // rows at hand still mean the catalog as it was
    std::vector<int> set_aside;
    if (e.kind == "revoke")
        for (const auto& [no, id] : replica_ids)
            if (control.revocation(id)) set_aside.push_back(no);
    TRY_VOID(control.apply(e));
    const auto body = e.encode();
    TRY(auto s, db->prepare("INSERT INTO control(pos, hash, body) VALUES(?1, ?2, ?3)", false));
    s.bind(1, e.pos.value).bind_blob(2, taizhang::view(control.head_hash().bytes)).bind_blob(3, body);
    TRY_VOID(s.run());
    if (e.kind == "catalog") {
        forget_loaded();
        TRY_VOID(sync_tables());
    }
    // Certificates without a signature count in a city without keys only.
    if (e.pos.value == 1 && control.is_signed()) TRY_VOID(db->exec("DELETE FROM certificate"));
    // An entry can also say of somebody that he counts after all: whom a later name had vouched for, when it is named.
    std::erase_if(set_aside, [&](int no) { return control.revocation(replica_ids[no]) != nullptr; });
    if (!set_aside.empty()) TRY_VOID(refold_written_by(set_aside));
    if (e.kind == "revoke" || e.kind == "release") TRY_VOID(refold_revoked());
    return retry_certificates();
}

Result<ControlPos> Replica::append_control(std::string kind, std::string payload) {
    auto& m = *impl_;
    ControlEntry e;
    TRY(const auto unmet, m.fact(kUnmet));
    if (!unmet.empty())
        return fail(
            Errc::not_allowed,
            "恢复后还没有与足够的下级同步过,现在写市级日志会与下级已有的矛盾:请先 serve,等近来用过的下级电脑有"
            "一半同步过(进度见 status);下面确实没有别人时加 --alone / put back from a backup and not yet synced "
            "with enough of those below, who may know later entries of the city's log: serve until half of the "
            "devices of late have synced (`status` says how many are missing), or, if nobody is left below, add "
            "--alone");
    TRY_VOID(m.batch([&]() -> Result<> {
        e.pos = ControlPos{m.control.head().value + 1};
        e.prev = m.control.head_hash();
        e.kind = std::move(kind);
        e.payload = std::move(payload);
        // The first entry names the key that signs it and all others.
        const bool has_root = m.options.keys.root != nullptr;
        if (has_root && e.pos.value == 1) {
            TRY(e.payload, with_root_key(e.payload, m.options.keys.root->public_key()));
        }
        if (has_root && (m.control.is_signed() || e.pos.value == 1))
            e.signature = m.options.keys.root->sign(kForControl, e.signed_part());
        else if (m.control.is_signed())
            return fail(
                Errc::not_allowed,
                "本机没有市的根密钥,不能写市级日志 / the city's root key is not here: its log cannot be written");
        return m.add_entry(e);
    }));
    return e.pos;
}

Result<> Replica::receive_control(std::span<const std::string> entries) {
    auto& m = *impl_;
    m.contradicted.reset();
    return m.batch([&]() -> Result<> {
        for (const auto& bytes : entries) {
            TRY(auto e, ControlEntry::decode(bytes));
            const bool is_next = e.pos.value == m.control.head().value + 1;
            if (e.pos > m.control.head() && (!is_next || e.prev == m.control.head_hash())) {
                TRY_VOID(m.add_entry(e));
                continue;
            }
            TRY(auto s, m.db->prepare("SELECT body FROM control WHERE pos = ?1", false));
            s.bind(1, e.pos.value);
            TRY(const bool row, s.step());
            if (row && s.blob(0) == bytes) continue;
            s.reset();
            // Signed by the root like ours: it is kept as evidence, what is here stands, what does not need the other
            // goes on, people are told.
            const auto& root = m.control.root_key();
            if (m.control.is_signed() && root.verify(kForControl, e.signed_part(), e.signature))
                return m.note_control_contradiction(is_next ? m.control.head() : e.pos, bytes);
            return fail(Errc::protocol,
                        "控制日志第 " + std::to_string(e.pos.value) + " 条与本机不同,请核对服务器 / control entry " +
                            std::to_string(e.pos.value) + " differs from what is here: is this the right server?");
        }
        return {};
    });
}

const std::optional<Replica::Contradicted>& Replica::contradicted() const { return impl_->contradicted; }

namespace {

std::string contradiction_at(ControlPos at) {
    return kContradiction + std::string("control/") + std::to_string(at.value);
}

}  // namespace

Result<bool> Replica::is_contradicted_at(ControlPos at) {
    TRY(const auto noted, impl_->fact(contradiction_at(at)));
    return !noted.empty();
}

/// Once for each place: when, and the root's other word. One that follows another past speaks of the place before it.
Result<> Replica::Impl::note_control_contradiction(ControlPos at, std::string_view entry) {
    const auto key = contradiction_at(at);
    TRY(const auto known, fact(key));
    contradicted = {at, known.empty()};
    if (!known.empty()) return {};
    std::string value;
    Writer w(value);
    w.varint(static_cast<std::uint64_t>(std::max<std::int64_t>(0, now().ms)));
    w.str(entry);
    return set_fact(key, value);
}

Result<std::uint64_t> Replica::control_mark(ControlPos at) {
    auto& m = *impl_;
    std::uint64_t mark = 0;
    if (at == m.control.head()) {
        std::memcpy(&mark, m.control.head_hash().bytes.data(), sizeof mark);
        return mark;
    }
    TRY(auto s, m.db->prepare("SELECT hash FROM control WHERE pos = ?1", false));
    s.bind(1, at.value);
    TRY(const bool here, s.step());
    if (here && s.blob(0).size() == sizeof(Hash)) std::memcpy(&mark, s.blob(0).data(), sizeof mark);
    return mark;
}

Result<std::vector<std::string>> Replica::control_after(ControlPos after, std::size_t bytes_max) {
    std::vector<std::string> out;
    std::size_t bytes = 0;
    // Who wants all of them gets all: a city has an entry for each of its units.
    const auto count_max = bytes_max == ~std::size_t{0} ? bytes_max : kBatchControl;
    TRY(auto s, impl_->db->prepare("SELECT body FROM control WHERE pos > ?1 ORDER BY pos", false));
    s.bind(1, after.value);
    while (out.size() < count_max && bytes < bytes_max) {
        TRY(const bool row, s.step());
        if (!row) break;
        out.emplace_back(s.blob(0));
        bytes += out.back().size();
    }
    return out;
}

Result<std::vector<Replica::StoredCertificate>> Replica::certificates_after(std::uint64_t after) {
    std::vector<StoredCertificate> out;
    TRY(auto s, impl_->db->prepare("SELECT pos, body FROM certificate WHERE pos > ?1 ORDER BY pos", false));
    s.bind(1, after);
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) return out;
        out.push_back({s.unsigned_integer(0), std::string(s.blob(1))});
    }
}

Result<std::optional<std::string>> Replica::certificate_at(std::uint64_t pos) {
    TRY(auto s, impl_->db->prepare("SELECT body FROM certificate WHERE pos = ?1", false));
    s.bind(1, pos);
    TRY(const bool row, s.step());
    return row ? std::optional<std::string>(s.blob(0)) : std::nullopt;
}

std::uint64_t Replica::control_reads() const { return impl_->control_reads; }

}  // namespace taizhang
