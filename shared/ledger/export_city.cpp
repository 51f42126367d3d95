#include "ledger/export_city.h"

#include "ledger/import.h"
#include "ledger/rows.h"
#include "ledger/times.h"

#include <boost/json.hpp>

namespace taizhang::ledger {

namespace json = boost::json;

namespace {

constexpr std::size_t kFirstEntries = 2u << 20;  // bytes; the city's entry is among the first

using Sink = std::function<Result<>(std::string_view)>;

/// A column as the file says it: numbers as numbers, yes and no, documents and lists as they are.
json::value value_in(const sqlite::Statement& s, int col, const Field& f, bool is_list) {
    switch (s.type(col)) {
        case sqlite::ColumnType::null: return nullptr;
        case sqlite::ColumnType::blob: return json::string(to_hex(s.blob(col)));
        case sqlite::ColumnType::integer:
            if (f.type == Type::boolean) return s.integer(col) != 0;
            return s.integer(col);
        case sqlite::ColumnType::real: {
            // 100.0 was 100 in the file.
            const auto d = Decimal::from_double(s.real(col));
            return d && d->scale == 0 ? json::value(d->mantissa) : json::value(s.real(col));
        }
        case sqlite::ColumnType::text: break;
    }
    const auto text = s.text(col);
    if (f.type != Type::json && !is_list) return json::string(text);
    boost::system::error_code ec;
    auto document = json::parse(text, ec);
    return ec ? json::value(json::string(text)) : document;
}

class Exporter {
public:
    Exporter(Replica& r, const Sink& sink) : r_(r), sink_(sink) {}

    Result<ExportedCity> run() {
        TRY_VOID(head());
        TRY_VOID(units());
        for (const auto& source : city_lists()) {
            if (source.list == "attendance") continue;  // inside the meetings
            TRY_VOID(list(source));
        }
        TRY_VOID(sink_("\n}\n"));
        return std::move(out_);
    }

private:
    /// "city" of the control log: the file's meta, with the dictionaries that stood beside it.
    Result<> head() {
        boost::system::error_code ec;
        json::value meta = json::object{};
        TRY(const auto entries, r_.control_after(ControlPos{0}, kFirstEntries));
        for (const auto& bytes : entries) {
            TRY(const auto entry, ControlEntry::decode(bytes));
            if (entry.kind != "city") continue;
            auto v = json::parse(entry.payload, ec);
            if (!ec && v.is_object()) meta = std::move(v);
        }
        meta.as_object().erase("root_key");  // a city made from the file has one of its own
        return sink_("{\n\"meta\": " + json::serialize(meta));
    }

    Result<> begin(std::string_view name) { return sink_(",\n\"" + std::string(name) + "\": ["); }
    Result<> end() { return sink_("\n]"); }
    Result<> element(const std::string& name, const json::object& o) {
        const auto n = out_.records[name]++;
        return sink_((n == 0 ? "\n" : ",\n") + json::serialize(o));
    }

    Result<> units() {
        TRY_VOID(begin("units"));
        for (const auto& id : r_.control().units()) {
            const auto& u = *r_.control().unit(id);
            boost::system::error_code ec;
            auto v = json::parse(u.json, ec);
            auto o = !ec && v.is_object() ? v.as_object() : json::object{};
            o["id"] = u.id;
            o["parent_id"] = u.parent;
            o["name"] = u.name;
            o["level"] = taizhang::name_of(u.level);
            TRY_VOID(element("units", o));
        }
        return end();
    }

    Result<> list(const CityList& source) {
        const std::string name(source.list);
        TRY_VOID(begin(name));
        if (r_.control().newest(source.entity))
            TRY_VOID(each(source.entity, "", "", [&](json::object o) -> Result<> {
                if (name == "meetings") TRY_VOID(add_attendance(o));
                // A draft was not issued yet, and the file's form asks for a time; whoever reads it back leaves it out.
                if (name == "tasks" && !o.contains("issued_at")) o["issued_at"] = format_local(r_.now().ms);
                return element(name, o);
            }));
        return end();
    }

    Result<> add_attendance(json::object& meeting) {
        json::array rows;
        const auto id = text_at(meeting, "id");
        if (r_.control().newest("attendance"))
            TRY_VOID(each("attendance", "meeting_id", id, [&](json::object o) -> Result<> {
                o.erase("id");
                o.erase("meeting_id");
                rows.push_back(std::move(o));
                return {};
            }));
        meeting["attendance"] = std::move(rows);
        return {};
    }

    /// The rows of an entity, those whose `where` is `is` if given, with the fields that have a value.
    Result<> each(std::string_view entity, const std::string& where, const std::string& is,
                  const std::function<Result<>(json::object)>& f) {
        const auto& e = *r_.control().newest(entity)->entity;
        const auto& flow = e.workflow;
        std::string sql = "SELECT id";
        for (const auto& field : e.fields) sql += ", \"" + field.name + "\"";
        if (e.has_workflow()) sql += ", \"" + flow.field + "\"";
        sql += " FROM \"" + std::string(entity) + "\"" + (where.empty() ? "" : " WHERE \"" + where + "\" = ?1") +
               " ORDER BY id";
        TRY(auto s, r_.database().prepare(sql, false));
        if (!where.empty()) s.bind(1, std::string_view(is));
        for (;;) {
            TRY(const bool row, s.step());
            if (!row) return {};
            json::object o;
            o["id"] = e.uuid ? to_hex(s.blob(0)) : std::string(s.text(0));
            int col = 0;
            for (const auto& field : e.fields) {
                if (s.is_null(++col)) continue;
                const auto rule = e.groups[static_cast<std::size_t>(field.group)].rule;
                o[field.name] = value_in(s, col, field, rule == fold::Rule::append || rule == fold::Rule::set);
            }
            if (e.has_workflow()) o[flow.field] = s.text(col + 1);
            TRY_VOID(f(std::move(o)));
        }
    }

    Replica& r_;
    const Sink& sink_;
    ExportedCity out_;
};

}  // namespace

Result<ExportedCity> export_city(Replica& replica, const std::function<Result<>(std::string_view)>& sink) {
    return Exporter(replica, sink).run();
}

}  // namespace taizhang::ledger
