#include "ledger/audit.h"

#include "ledger/contradictions.h"
#include "ledger/rows.h"
#include "ledger/times.h"
#include "ledger/words.h"
#include "replica/checkpoint.h"
#include "sync/session.h"

#include <boost/json.hpp>

#include <algorithm>
#include <charconv>
#include <map>

namespace taizhang::ledger {

namespace json = boost::json;

namespace {

constexpr std::size_t kFieldsShown = 8, kRowsShown = 6, kValueBytes = 80;

/// Where a page begins: behind this commit, and behind this entry of the city's log.
struct Place {
    std::uint64_t lsn = 0, control = 0;
    std::string str() const { return std::to_string(lsn) + "-" + std::to_string(control); }
    static std::optional<Place> parse(std::string_view text) {
        Place p;
        const auto* end = text.data() + text.size();
        const auto a = std::from_chars(text.data(), end, p.lsn);
        if (a.ec != std::errc() || a.ptr == end || *a.ptr != '-') return std::nullopt;
        const auto b = std::from_chars(a.ptr + 1, end, p.control);
        return b.ec == std::errc() && b.ptr == end ? std::optional(p) : std::nullopt;
    }
};

std::string shown(const ValueView& v) {
    if (v.is_null()) return "(空)";
    auto s = v.copy().display();
    for (auto& c : s)
        if (static_cast<unsigned char>(c) < 0x20) c = ' ';
    if (s.size() <= kValueBytes) return s;
    auto cut = kValueBytes;
    while (cut > 0 && (static_cast<unsigned char>(s[cut]) & 0xc0) == 0x80) --cut;
    return s.substr(0, cut) + "…";
}

Words outcome_words(std::string_view outcome) {
    if (outcome == "taken") return {"采用", "taken"};
    if (outcome == "waiting") return {"等待", "waits"};
    if (outcome == "open") return {"并存待定", "open beside another"};
    if (outcome == "closed") return {"让位(留底)", "gave way, kept"};
    if (outcome == "refused") return {"越权,未采用", "not theirs to write, refused"};
    if (outcome == "suggestion") return {"转为建议", "kept as a suggestion"};
    if (outcome == "void") return {"步骤无效", "void"};
    if (outcome == "after_close") return {"办结后补充", "added after close-out"};
    if (outcome == "quarantined") return {"隔离", "quarantined"};
    return {std::string(outcome), std::string(outcome)};
}

class Auditor {
public:
    Auditor(Replica& r, const AuditQuery& query, Place from, std::size_t entries_max)
        : r_(r), query_(query), at_(from), entries_max_(entries_max) {}

    Result<json::object> page() {
        if (!query_.unit.empty() && !r_.control().unit(query_.unit))
            return fail(Errc::not_found, "没有单位 " + query_.unit + " / there is no unit " + query_.unit);
        TRY_VOID(load_devices());
        TRY(const bool is_whole, commits());
        json::object o;
        if (is_whole) {
            TRY_VOID(rest());
        }
        o["entries"] = std::move(entries_);
        o["next"] = is_whole ? json::value(nullptr) : json::value(at_.str());
        o["read"] = at_.lsn;
        o["of"] = r_.log_head().value;
        return o;
    }

    /// The commits that the hub above has not acknowledged, in the order in which they came here.
    Result<json::array> unsent(const std::string& own_unit) {
        is_whole_ = true;
        TRY(const auto chains, sync::unsent(r_));
        TRY(auto s, r_.database().prepare(std::string(kLogColumns) +
                                              " JOIN stream t ON t.no = l.stream WHERE t.unit = ?1 AND t.audience = ?2 "
                                              "AND r.id = ?3 AND l.seq > ?4 ORDER BY l.seq LIMIT ?5",
                                          false));
        for (const auto& c : chains) {
            if (entries_.size() == entries_max_) break;
            s.bind(1, std::string_view(c.stream.unit)).bind(2, static_cast<int>(c.stream.audience));
            s.bind_blob(3, view(c.replica.bytes)).bind(4, c.acked.value).bind(5, entries_max_ - entries_.size());
            const bool is_ours = r_.control().holds(own_unit, c.stream);
            for (;;) {
                TRY(const bool row, s.step());
                if (!row) break;
                const auto before = entries_.size();
                TRY_VOID(commit(s));
                if (entries_.size() > before) entries_.back().as_object()["in_scope"] = is_ours;
            }
        }
        std::stable_sort(entries_.begin(), entries_.end(),
                         [](const auto& a, const auto& b) { return a.at("lsn").as_int64() < b.at("lsn").as_int64(); });
        return std::move(entries_);
    }

private:
    static constexpr std::string_view kLogColumns =
        "SELECT l.lsn, l.stream, r.id, l.seq, l.hash, l.received_ms, l.body, l.prev IS NULL, l.origin FROM log l JOIN "
        "replica r ON r.no = l.replica";

    // ---- which

    bool is_in_time(std::int64_t ms) const {
        return (!query_.since_ms || ms >= *query_.since_ms) && (!query_.until_ms || ms < *query_.until_ms);
    }
    bool is_unit(const std::string& unit) const {
        return query_.unit.empty() || unit == query_.unit ||
               r_.control().is_at_or_below(unit, query_.unit, r_.control().head());
    }
    bool is_device(const ReplicaId& id, const Certificate* cert) const {
        return query_.device.empty() || id.hex().starts_with(query_.device) ||
               (cert && cert->label.find(query_.device) != std::string::npos);
    }

    // ---- commits

    /// Whether the end of the log was reached.
    Result<bool> commits() {
        TRY(auto s,
            r_.database().prepare(std::string(kLogColumns) + " WHERE l.lsn > ?1 ORDER BY l.lsn LIMIT ?2", false));
        s.bind(1, at_.lsn).bind(2, static_cast<std::int64_t>(kAuditScanMax));
        std::size_t read = 0;
        while (entries_.size() < entries_max_) {
            TRY(const bool row, s.step());
            if (!row) return read < kAuditScanMax;
            ++read;
            TRY_VOID(commit(s));
            at_.lsn = s.unsigned_integer(0);
        }
        return false;
    }

    Result<> commit(const sqlite::Statement& s) {
        ReplicaId id;
        if (s.blob(2).size() == 16) std::memcpy(id.bytes.data(), s.blob(2).data(), 16);
        const auto received = s.integer(5);
        json::object e;
        e["kind"] = "commit";
        e["lsn"] = s.integer(0);
        e["replica"] = id.hex();
        e["stream"] = r_.stream_name(static_cast<int>(s.integer(1))).str();
        e["seq"] = s.integer(3);
        e["hash"] = to_hex(s.blob(4));
        e["received"] = s.integer(8) == 0 ? json::value(nullptr) : json::value(format_local(received));
        const bool is_here = !s.blob(6).empty();
        if (is_here) {
            TRY_VOID(packer_.unpack(s.blob(6), bytes_));
            TRY_VOID(commit_.decode(bytes_));
        }
        const bool is_readable = is_here && !commit_.is_newer;
        // What its author had seen of the city's log was there before it.
        if (is_readable) TRY_VOID(control_through(commit_.header.control, ms_of(commit_.header.time)));
        return is_readable ? tell(e, id, s.integer(7) != 0) : tell_unread(e, id, received, is_here);
    }

    static std::int64_t ms_of(std::uint64_t hybrid) { return static_cast<std::int64_t>(hybrid >> 16); }

    void who(json::object& e, const ReplicaId& id, const std::string& person) const {
        const auto* cert = r_.control().cert(id);
        const auto unit = cert ? cert->unit : std::string();
        e["unit"] = unit;
        e["unit_name"] = unit_name(r_.control(), unit);
        e["level"] = taizhang::name_of(cert ? cert->level : Level::none);
        e["person"] = person;
        e["device"] = cert ? cert->label : std::string();
    }

    Result<> tell_unread(json::object& e, const ReplicaId& id, std::int64_t received, bool is_newer) {
        const auto* cert = r_.control().cert(id);
        const auto stream = StreamId::parse(std::string_view(e["stream"].as_string()));
        if (!is_in_time(received) || !is_device(id, cert) || !query_.person.empty() ||
            (!is_unit(cert ? cert->unit : std::string()) && !is_unit(stream.unit)))
            return {};
        who(e, id, {});
        e["time"] = nullptr;
        e["records"] = json::array();
        e["outcome"] = is_newer ? "waiting" : "taken";
        finish(e, is_newer ? Words{"由新版程序写的记录", "written by a newer program"}
                           : Words{"内容已精简,只留位置和校验值", "its text was dropped here, place and hash stay"});
        return {};
    }

    Result<> tell(json::object& e, const ReplicaId& id, bool waits) {
        const auto& h = commit_.header;
        const auto* cert = r_.control().cert(id);
        if (!is_in_time(ms_of(h.time)) || !is_device(id, cert) || h.person.find(query_.person) == std::string::npos ||
            (!is_unit(cert ? cert->unit : std::string()) && !is_unit(h.stream.unit)))
            return {};
        who(e, id, h.person);
        e["time"] = time_text(h.time);
        if (h.time_unverified) e["time_unverified"] = true;
        e["control"] = h.control.value;
        if (const auto checkpoint = checkpoint_of(commit_)) {
            e["kind"] = "checkpoint";
            e["records"] = json::array();
            e["outcome"] = "taken";
            const auto n = std::to_string(checkpoint->heads.size());
            finish(e, {"签检查点,写明 " + n + " 条链", "signed a checkpoint that names " + n + " chains"});
            return {};
        }
        json::array records;
        Words w;
        for (std::size_t i = 0; i < commit_.rows.size(); ++i) {
            const auto& row = commit_.rows[i];
            const std::string entity(commit_.names[row.entity]);
            const auto* v = r_.control().newest(entity);
            const auto shown_id = v && v->entity->uuid ? to_hex(row.id) : std::string(row.id);
            json::object record{{"entity", entity}, {"id", shown_id}};
            if (is_whole_) record["what"] = what_of(row);
            records.push_back(std::move(record));
            if (i >= kRowsShown) continue;
            const auto words = row_words(row, v, shown_id);
            w.zh += (i == 0 ? "" : ";") + words.zh;
            w.en += (i == 0 ? "" : "; ") + words.en;
        }
        if (commit_.rows.size() > kRowsShown) {
            const auto n = std::to_string(commit_.rows.size());
            w.zh += ";共 " + n + " 条记录";
            w.en += "; " + n + " records in all";
        }
        e["records"] = std::move(records);
        TRY(const auto outcome, waits ? Result<std::string>(std::string("waiting")) : outcome_of());
        e["outcome"] = outcome;
        if (outcome != "taken") {
            w.zh += " 〔" + outcomes(outcome, true) + "〕";
            w.en += " [" + outcomes(outcome, false) + "]";
        }
        finish(e, w);
        return {};
    }

    static std::string outcomes(const std::string& list, bool zh) {
        std::string out;
        for (std::size_t at = 0; at < list.size();) {
            const auto end = std::min(list.find(',', at), list.size());
            const auto w = outcome_words(std::string_view(list).substr(at, end - at));
            out += (out.empty() ? "" : zh ? "、" : ", ") + (zh ? w.zh : w.en);
            at = end + 1;
        }
        return out;
    }

    /// All that was typed, as the histories of records have it.
    json::object what_of(const RowRec& row) const {
        json::object what;
        for (const auto& part : commit_.parts_of(row)) {
            if (part.op == fold::Op::transition) what["transition"] = commit_.names[part.name];
            for (const auto& f : commit_.fields_of(part))
                what[commit_.names[f.name]] = json_of(ValueView::of(f.value).copy());
        }
        return what;
    }

    Words row_words(const RowRec& row, const EntityVersion* v, const std::string& id) const {
        const std::string entity(commit_.names[row.entity]);
        Words w{(v ? v->entity->label.zh : entity) + " " + id, entity + " " + id};
        std::size_t n = 0;
        for (const auto& part : commit_.parts_of(row)) {
            const std::string name(commit_.names[part.name]);
            if (part.op == fold::Op::transition) {
                const auto* t = v ? v->entity->workflow.find(name) : nullptr;
                w.zh += " " + (t ? t->label.zh : name);
                w.en += " " + (t ? t->label.en : name);
            }
            if (part.op == fold::Op::remove) {
                w.zh += " 取消";
                w.en += " without";
            }
            for (const auto& f : commit_.fields_of(part)) {
                if (++n > kFieldsShown) break;
                const std::string field(commit_.names[f.name]);
                const auto at = v ? v->entity->field(field) : -1;
                const auto& zh = at < 0 ? field : v->entity->fields[static_cast<std::size_t>(at)].label.zh;
                const auto value = shown(ValueView::of(f.value));
                w.zh += (n == 1 ? " " : ",") + (zh.empty() ? field : zh) + "=" + value;
                w.en += (n == 1 ? " " : ", ") + field + "=" + value;
            }
        }
        if (n > kFieldsShown) {
            w.zh += " 等";
            w.en += " …";
        }
        return w;
    }

    /// "taken", or what became of parts of it: kinds of conflict lines, with commas.
    Result<std::string> outcome_of() {
        if (!lines_.valid()) {
            TRY(lines_, r_.database().prepare("SELECT c.kind FROM conflict c JOIN stream s ON s.no = c.stream WHERE "
                                              "c.entity = ?1 AND c.row = ?2 AND s.unit = ?3 AND s.audience = ?4 AND "
                                              "c.loser = ?5 ORDER BY c.kind",
                                              false));
        }
        std::vector<std::string> kinds;
        const auto version = commit_.version();
        for (const auto& row : commit_.rows) {
            const auto* v = r_.control().newest(commit_.names[row.entity]);
            if (!v) continue;
            lines_.bind(1, std::string_view(v->binding->name)).bind_blob(2, row.id);
            lines_.bind(3, std::string_view(commit_.header.stream.unit));
            lines_.bind(4, static_cast<int>(commit_.header.stream.audience)).bind_blob(5, view(version.bytes));
            for (;;) {
                TRY(const bool line, lines_.step());
                if (!line) break;
                const std::string kind(name_of(static_cast<fold::LineKind>(lines_.integer(0))));
                if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) kinds.push_back(kind);
            }
        }
        std::string out;
        for (const auto& k : kinds) out += (out.empty() ? "" : ",") + k;
        return out.empty() ? std::string("taken") : out;
    }

    /// The sentences, and the entry is told.
    void finish(json::object& e, const Words& w) {
        const auto* when = e.if_contains("time");
        const auto time = when && when->is_string() ? std::string(when->as_string()).substr(0, 16) : std::string("—");
        auto name = std::string(e["unit_name"].as_string());
        if (name.empty()) name = "未登记";
        if (const auto& person = e["person"].as_string(); !person.empty()) name += " " + std::string(person);
        const auto number = std::string(e["replica"].as_string()).substr(0, 8);
        const auto device = number.empty() ? std::string() : "(" + number + ")";
        e["zh"] = time + " " + name + device + ":" + w.zh;
        e["en"] = time + " " + name + device + ": " + w.en;
        entries_.push_back(std::move(e));
    }

    // ---- the city's log and certificates

    Result<> load_devices() {
        for (const auto& [id, cert] : r_.control().certs()) certs_.emplace(cert.control.value, &cert);
        TRY(auto s, r_.database().prepare("SELECT replica, min(enrolled_ms) FROM device GROUP BY replica", false));
        for (;;) {
            TRY(const bool row, s.step());
            if (!row) return {};
            ReplicaId id;
            if (s.blob(0).size() == 16) std::memcpy(id.bytes.data(), s.blob(0).data(), 16);
            enrolled_[id] = s.integer(1);
        }
    }

    /// Entries up to there, with the certificates that were made at each; they were written by `not_after_ms`.
    Result<> control_through(ControlPos through, std::optional<std::int64_t> not_after_ms) {
        const auto last = std::min(through, r_.control().head());
        if (at_.control >= last.value) return {};
        TRY(auto s, r_.database().prepare("SELECT body FROM control WHERE pos = ?1", false));
        while (at_.control < last.value) {
            ++at_.control;
            s.bind(1, at_.control);
            TRY(const bool row, s.step());
            if (!row) return {};
            TRY(const auto entry, ControlEntry::decode(s.blob(0)));
            s.reset();
            control_entry(entry, not_after_ms);
            const auto [first, past] = certs_.equal_range(at_.control);
            for (auto it = first; it != past; ++it) certificate(*it->second);
        }
        return {};
    }

    void control_entry(const ControlEntry& entry, std::optional<std::int64_t> not_after_ms) {
        const bool may_fit =
            (!not_after_ms && !query_.since_ms && !query_.until_ms) || (not_after_ms && is_in_time(*not_after_ms));
        std::string unit = r_.control().root(), about;
        boost::system::error_code ec;
        const auto v = json::parse(entry.payload, ec);
        if (!ec && v.is_object()) {
            if (const auto* id = v.as_object().if_contains("id"); entry.kind == "unit" && id && id->is_string())
                unit = std::string(id->as_string());
            if (const auto* id = v.as_object().if_contains("replica"); id && id->is_string())
                about = std::string(id->as_string());
        }
        const auto* revoked = about.empty() ? nullptr : device_named(about);
        if (revoked) unit = revoked->unit;
        if (!may_fit || !is_unit(unit) || !query_.person.empty()) return;
        if (!query_.device.empty() && !(revoked && is_device(revoked->replica, revoked))) return;
        json::object e;
        e["kind"] = entry.kind;
        e["control"] = entry.pos.value;
        e["time"] = nullptr;
        e["not_after"] = not_after_ms ? json::value(format_local(*not_after_ms)) : json::value(nullptr);
        e["unit"] = r_.control().root();
        e["unit_name"] = unit_name(r_.control(), r_.control().root());
        e["level"] = taizhang::name_of(Level::city);
        e["person"] = "";
        e["replica"] = "";
        e["device"] = "";
        e["hash"] = hash_of(entry.encode()).hex();
        e["records"] = json::array();
        e["outcome"] = "taken";
        auto w = words_of(r_.control(), entry);
        const auto n = std::to_string(entry.pos.value);
        finish(e, {"市级日志第 " + n + " 条," + w.zh, "the city's log #" + n + ", " + w.en});
    }

    const Certificate* device_named(const std::string& hex) const {
        const auto raw = from_hex(hex);
        ReplicaId id;
        if (raw.size() != id.bytes.size()) return nullptr;
        std::memcpy(id.bytes.data(), raw.data(), raw.size());
        return r_.control().cert(id);
    }

    void certificate(const Certificate& cert) {
        const auto known = enrolled_.find(cert.replica);
        const bool has_time = known != enrolled_.end();
        if ((query_.since_ms || query_.until_ms) && !(has_time && is_in_time(known->second))) return;
        if (!is_unit(cert.unit) || !is_device(cert.replica, &cert) || !query_.person.empty()) return;
        json::object e;
        e["kind"] = "certificate";
        e["control"] = cert.control.value;
        e["time"] = has_time ? json::value(format_local(known->second)) : json::value(nullptr);
        who(e, cert.replica, {});
        e["replica"] = cert.replica.hex();
        e["hash"] = hash_of(cert.encode()).hex();
        e["records"] = json::array();
        e["outcome"] = r_.control().revocation(cert.replica) ? "revoked" : "taken";
        const auto by = cert.issuer_replica.is_zero() ? std::string("根密钥") : cert.issuer_replica.hex().substr(0, 8);
        const auto by_en =
            cert.issuer_replica.is_zero() ? std::string("the root key") : cert.issuer_replica.hex().substr(0, 8);
        finish(e,
               {"登记电脑 " + cert.label + ",由 " + unit_name(r_.control(), cert.issuer) + "(" + by + ")签发",
                "device " + cert.label + " enrolled, by " + unit_name(r_.control(), cert.issuer) + " (" + by_en + ")"});
    }

    /// What no commit has seen yet, and who signed two things for one place.
    Result<> rest() {
        TRY_VOID(control_through(r_.control().head(), {}));
        TRY(const auto two_words, contradictions(r_));
        for (const auto& c : two_words) {
            if (!is_in_time(c.noticed_ms) || !query_.unit.empty() || !query_.person.empty() || !query_.device.empty())
                continue;
            json::object e;
            e["kind"] = "contradiction";
            e["time"] = format_local(c.noticed_ms);
            for (const char* key : {"unit", "unit_name", "level", "person", "replica", "device", "hash"}) e[key] = "";
            e["where"] = c.where;
            e["records"] = json::array();
            e["outcome"] = c.is_explained ? "explained" : "open";
            e["zh"] = c.zh;
            e["en"] = c.en;
            entries_.push_back(std::move(e));
        }
        return {};
    }

    Replica& r_;
    const AuditQuery& query_;
    Place at_;
    std::size_t entries_max_;
    bool is_whole_ = false;  ///< with all that was typed, not only what a sentence holds
    json::array entries_;
    std::multimap<std::uint64_t, const Certificate*> certs_;  // by the position at which each was made
    std::map<ReplicaId, std::int64_t> enrolled_;
    sqlite::Statement lines_;
    Packer packer_;
    std::string bytes_;
    Commit commit_;
};

/// Against how the unit stood before.
Words unit_words(const ControlState& control, const json::object& o, ControlPos at) {
    const auto id = text_at(o, "id"), name = text_at(o, "name"), parent = text_at(o, "parent_id");
    const auto* before = control.unit(id, ControlPos{at.value - 1});
    if (!before) return {"新设单位 " + id + " " + name, "made the unit " + id + " " + name};
    if (const auto into = text_at(o, "merged_into"); !into.empty())
        return {"单位 " + id + " 并入 " + into, "merged the unit " + id + " into " + into};
    const auto* closed = o.if_contains("abolished");
    if (closed && closed->is_bool() && closed->as_bool()) return {"撤销单位 " + id, "closed the unit " + id};
    Words w{"单位 " + id, "unit " + id};
    if (before->parent != parent) {
        w.zh += " 改由 " + parent + " 管";
        w.en += " moved below " + parent;
    }
    if (before->name != name) {
        w.zh += " 改名“" + name + "”";
        w.en += " renamed " + name;
    }
    return w;
}

}  // namespace

Words words_of(const ControlState& control, const ControlEntry& entry) {
    boost::system::error_code ec;
    const auto v = json::parse(entry.payload, ec);
    const auto o = !ec && v.is_object() ? v.as_object() : json::object();
    if (entry.kind == "city") return {"建立城市台账", "the city's ledger was founded"};
    if (entry.kind == "unit") return unit_words(control, o, entry.pos);
    if (entry.kind == "catalog") return {"发布目录(字段和规则)", "published a catalog (fields and rules)"};
    if (entry.kind == "revoke") {
        const auto replica = text_at(o, "replica").substr(0, 8);
        return {"吊销电脑 " + replica, "revoked the device " + replica};
    }
    if (entry.kind == "release") {
        const auto hash = text_at(o, "hash").substr(0, 16);
        return {"放行被隔离的提交 " + hash, "released the quarantined commit " + hash};
    }
    return {"新版程序的事项 " + entry.kind, "of a newer program: " + entry.kind};
}

Result<json::object> audit(Replica& r, const AuditQuery& query, const std::string& after, std::size_t entries_max) {
    const auto from = after.empty() ? std::optional(Place{}) : Place::parse(after);
    if (!from) return fail(Errc::usage, "没有这个位置:" + after + " / no such place in the audit: " + after);
    return Auditor(r, query, *from, std::max<std::size_t>(1, std::min(entries_max, kAuditPageMax))).page();
}

Result<json::array> unsent_entries(Replica& r, const std::string& own_unit) {
    TRY(const auto token, r.fact("upstream/token"));
    if (token.empty()) return json::array{};       // nobody above, to whom something could be sent
    const Place all{0, r.control().head().value};  // commits only
    return Auditor(r, {}, all, kAuditPageMax).unsent(own_unit);
}

}  // namespace taizhang::ledger
