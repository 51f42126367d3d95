#include "ledger/import.h"

#include "ledger/lights.h"
#include "ledger/rows.h"
#include "ledger/times.h"

#include <boost/json.hpp>

#include <algorithm>

namespace taizhang::ledger {

namespace json = boost::json;

namespace {

constexpr std::size_t kBatch = 2000;  // records in one transaction; more: fewer fsyncs, more memory

/// Who would have written a record, and when.
struct Source {
    const char* list;
    const char* entity;
    const char* author;  ///< field with the author's unit; "" the record's unit; "^" the unit above it; "/" the root
    const char* time;    ///< field with the time
    const char* answer = "";  ///< field with the unit above that wrote what the unit itself may not
};

constexpr Source kSources[] = {
    {"users", "person", "", ""},
    {"tasks", "task", "lead_unit_id", "issued_at"},
    {"assignments", "assignment", "^", "received_at"},
    {"progress_reports", "progress_report", "", "occurred_at"},
    {"verifications", "verification", "verified_by_unit_id", "at"},
    {"pushes", "push", "by_unit_id", "at"},
    {"guidance", "guidance", "^", "at"},
    {"help_requests", "help_request", "", "asked_at", "to_unit_id"},
    {"rectifications", "rectification", "/", "found_at"},
    {"meetings", "meeting", "host_unit_id", "at"},
    {"attendance", "attendance", "^", ""},
    {"circulars", "circular", "/", "issued_at"},
    {"submissions_register", "submission_register", "^", ""},
};

class Importer {
public:
    Importer(Replica& r, const CityFile& city, ImportReport& report) : r_(r), city_(city), report_(report) {}

    Result<> control(std::string_view catalog);
    Result<> list(const Source& source, const std::vector<json::object>& records,
                  const std::function<void(const std::string&, std::size_t, std::size_t)>& progress);

private:
    Result<> record(const Source& source, const json::object& o, std::size_t index);
    Result<ReplicaId> author(const std::string& unit);
    std::string author_unit(const Source& source, const json::object& o, const std::string& home) const;
    Result<Value> value(const Field& f, const json::value& v) const;
    std::int64_t time_ms(const Source& source, const json::object& o) const;

    Replica& r_;
    const CityFile& city_;
    ImportReport& report_;
    std::map<std::string, ReplicaId> authors_;
};

Result<> Importer::control(std::string_view catalog) {
    return r_.batch([&]() -> Result<> {
        json::object meta = city_.meta;
        for (const auto& [k, v] : city_.other)
            if (k != "expected_metrics" && k != "conflict_scenarios") meta[k] = v;
        auto city = json::serialize(meta);
        if (city.size() > 900'000) city = json::serialize(city_.meta);
        TRY_VOID(r_.append_control("city", city));
        TRY_VOID(r_.append_control("catalog", std::string(catalog)));
        // Parents first, whatever the order of the file.
        std::vector<const json::object*> left;
        for (const auto& u : city_.of("units")) left.push_back(&u);
        while (!left.empty()) {
            const auto before = left.size();
            for (auto& u : left) {
                const auto parent = text_at(*u, "parent_id");
                if (!parent.empty() && !r_.control().unit(parent)) continue;
                TRY_VOID(r_.append_control("unit", json::serialize(*u)));
                u = nullptr;
                ++report_.units;
            }
            std::erase(left, nullptr);
            if (left.size() == before)
                return fail(Errc::bad_input,
                            "units: " + text_at(*left.front(), "id") + " 的上级不存在 / has no parent here");
        }
        TRY(const auto self, r_.self_as_subject(r_.control().root(), "root"));
        return r_.issue_certificate(self);
    });
}

/// A replica for each unit, signed for by this server: it writes down what they had written elsewhere.
Result<ReplicaId> Importer::author(const std::string& unit) {
    if (const auto it = authors_.find(unit); it != authors_.end()) return it->second;
    TRY(auto subject, r_.self_as_subject(unit, "import"));
    std::array<std::uint8_t, trust::kNonceBytes> nonce{};
    r_.random(nonce);
    subject.nonce = std::string(view(nonce));
    subject.replica = subject.key.empty() ? ReplicaId{nonce} : trust::replica_id(subject.key, subject.nonce);
    TRY_VOID(r_.issue_certificate(subject));
    return authors_[unit] = subject.replica;
}

std::string Importer::author_unit(const Source& source, const json::object& o, const std::string& home) const {
    const std::string_view by = source.author;
    if (by == "/") return r_.control().root();
    if (by.empty()) return home;
    if (by == "^") {
        const auto* u = r_.control().unit(home);
        return u && !u->parent.empty() ? u->parent : r_.control().root();
    }
    const auto named = text_at(o, by);
    return r_.control().unit(named) ? named : r_.control().root();
}

Result<Value> Importer::value(const Field& f, const json::value& v) const {
    if (v.is_null()) return Value::null();
    if (f.type == Type::json) return Value::text(json::serialize(v));
    if (v.is_bool()) return Value::integer(v.as_bool() ? 1 : 0);
    if (v.is_int64()) return f.type == Type::text ? Value::text(json::serialize(v)) : Value::integer(v.as_int64());
    if (v.is_double()) {
        const auto d = Decimal::from_double(v.as_double());
        if (!d) return fail(Errc::bad_input, "数值超出范围 / number out of range");
        return f.type == Type::text ? Value::text(d->str()) : Value::number(*d);
    }
    if (v.is_string()) return Value::text(std::string(v.as_string()));
    return Value::text(json::serialize(v));
}

std::int64_t Importer::time_ms(const Source& source, const json::object& o) const {
    for (const auto& text : {text_at(o, source.time), text_at(city_.meta, "as_of")}) {
        if (text.empty()) continue;
        if (const auto t = parse_time_seconds(text)) return *t * 1000;
    }
    return r_.now().ms;
}

Result<> Importer::record(const Source& source, const json::object& o, std::size_t index) {
    const auto* v = r_.control().newest(source.entity);
    if (!v) return fail(Errc::bad_input, std::string("catalog: no entity ") + source.entity);
    const auto& entity = *v->entity;
    std::string id = text_at(o, "id");
    const auto unit_field = entity.home.empty() ? std::string() : text_at(o, entity.home);
    if (id.empty() && entity.name == "attendance") id = text_at(o, "meeting_id") + "-" + unit_field;
    if (id.empty() && entity.name == "submission_register")
        id = unit_field + "-" + (o.contains("year") ? json::serialize(o.at("year")) : "");
    auto named = [&](const Error& e) {
        return fail(Errc::bad_input,
                    std::string(source.list) + "[" + std::to_string(index) + "] (" + id + "): " + e.detail);
    };

    const auto& c = r_.control();
    const auto writer = author_unit(source, o, unit_field);
    const auto home = entity.home.empty() ? c.authority(writer, c.head()) : unit_field;
    const StreamId stream{home, entity.audience};
    // Who signs what: the one who would have written it if he may, else the unit itself, whoever answered, the root.
    const auto answered = text_at(o, source.answer);
    const std::string candidates[] = {writer, home, c.unit(answered) ? answered : writer, c.root()};
    std::map<std::string, Edit> edits;
    auto edit_for = [&](std::uint32_t by) -> Edit* {
        for (const auto& u : candidates) {
            Certificate cert;
            cert.unit = u;
            cert.level = c.unit(u)->level;
            if (!c.relation(cert, stream, c.head()).may(by)) continue;
            auto& e = edits[u];
            e.entity = entity.name;
            e.row = id;
            e.stream = stream;
            return &e;
        }
        return nullptr;
    };
    std::string state;
    const bool is_draft = entity.name == "task" && text_at(o, entity.workflow.field) == "草稿";
    for (const auto& [key, json_value] : o) {
        if (key == "id") continue;
        if (entity.has_workflow() && key == entity.workflow.field) {
            state = text_at(o, key);
            continue;
        }
        const auto f = entity.field(key);
        if (f < 0) {
            if (!(entity.name == "meeting" && key == "attendance"))
                ++report_.ignored[std::string(source.list) + "." + std::string(key)];
            continue;
        }
        if (is_draft && key == "issued_at") continue;  // the file's form asks for one; it was not issued
        const auto& field = entity.fields[static_cast<std::size_t>(f)];
        auto x = value(field, json_value);
        if (!x) return named(x.error());
        if (x->is_null()) continue;
        auto* e = edit_for(entity.groups[static_cast<std::size_t>(field.group)].by);
        if (!e) return named(fail(Errc::bad_input, std::string(key) + ": nobody may write it"));
        e->fields.emplace_back(key, std::move(*x));
    }
    // A closing state freezes what its author had in front of him: the record first, then the state.
    std::optional<std::pair<std::string, Edit>> last;
    const char* step = is_draft                                             ? nullptr
                       : entity.name == "task"                              ? "issue"
                       : !state.empty() && entity.workflow.state(state) > 0 ? "carry_over"
                                                                            : nullptr;
    if (step) {
        const auto* t = entity.workflow.find(step);
        auto* e = t ? edit_for(t->by) : nullptr;
        if (!e) return named(fail(Errc::bad_input, std::string("no transition ") + step));
        Edit* target = e;
        if (v->freezes(entity.workflow.state(state)) != 0) {
            const auto by =
                std::find_if(edits.begin(), edits.end(), [&](const auto& x) { return &x.second == e; })->first;
            last.emplace(by, Edit{});
            target = &last->second;
            target->entity = e->entity;
            target->row = e->row;
            target->stream = e->stream;
        }
        target->transition = step;
        if (t->to == Transition::kToArgument) target->arguments = {{"state", Value::text(state)}};
    }
    if (entity.name == "task" && is_stopped(state)) {
        const auto* stop = entity.workflow.find(state == "已撤回" ? "withdraw" : "suspend");
        const auto* e = stop ? edit_for(stop->by) : nullptr;
        if (!e) return named(fail(Errc::bad_input, "status: nobody may write it"));
        const auto by = std::find_if(edits.begin(), edits.end(), [&](const auto& x) { return &x.second == e; })->first;
        last.emplace(by, Edit{});
        last->second.entity = entity.name;
        last->second.row = id;
        last->second.stream = stream;
        last->second.transition = stop->name;
    }
    auto commit = [&](const std::string& unit, Edit e) -> Result<> {
        if (e.fields.empty() && e.transition.empty()) return {};
        TRY(const auto as, author(unit));
        Draft d;
        d.edits.push_back(std::move(e));
        const auto made = r_.edit_as(as, d, time_ms(source, o));
        if (!made)
            return made.error().code == Errc::io || made.error().code == Errc::disk_full ? made.error()
                                                                                         : named(made.error());
        report_.commits += made->size();
        return {};
    };
    // Who holds the record first: the others build on it.
    if (const auto first = edits.find(writer); first != edits.end()) {
        TRY_VOID(commit(first->first, std::move(first->second)));
        edits.erase(first);
    }
    for (auto& [unit, e] : edits) TRY_VOID(commit(unit, std::move(e)));
    if (last) TRY_VOID(commit(last->first, std::move(last->second)));
    ++report_.records;
    return {};
}

Result<> Importer::list(const Source& source, const std::vector<json::object>& records,
                        const std::function<void(const std::string&, std::size_t, std::size_t)>& progress) {
    for (std::size_t from = 0; from < records.size(); from += kBatch) {
        const auto to = std::min(records.size(), from + kBatch);
        TRY_VOID(r_.batch([&]() -> Result<> {
            for (auto i = from; i < to; ++i) TRY_VOID(record(source, records[i], i));
            return {};
        }));
        if (progress) progress(source.list, to, records.size());
    }
    return {};
}

/// The rows inside the meetings, as records of their own.
std::vector<json::object> attendance_of(const CityFile& city) {
    std::vector<json::object> out;
    for (const auto& m : city.of("meetings")) {
        const auto* rows = m.if_contains("attendance");
        if (!rows || !rows->is_array()) continue;
        for (const auto& row : rows->as_array()) {
            if (!row.is_object()) continue;
            auto o = row.as_object();
            o["meeting_id"] = text_at(m, "id");
            out.push_back(std::move(o));
        }
    }
    return out;
}

}  // namespace

std::vector<CityList> city_lists() {
    std::vector<CityList> out;
    for (const auto& s : kSources) out.push_back({s.list, s.entity});
    return out;
}

Result<ImportReport> import_city(
    Replica& replica, const CityFile& city, std::string_view catalog,
    const std::function<void(const std::string& list, std::size_t done, std::size_t of)>& progress) {
    ImportReport report;
    Importer importer(replica, city, report);
    TRY_VOID(importer.control(catalog));
    for (const auto& source : kSources) {
        const std::string_view name = source.list;
        TRY_VOID(importer.list(source, name == "attendance" ? attendance_of(city) : city.of(source.list), progress));
    }
    return report;
}

}  // namespace taizhang::ledger
