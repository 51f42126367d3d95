// One record with everything that a person may ask about it.
#include "ledger/attachments.h"
#include "ledger/children.h"
#include "ledger/conflicts.h"
#include "ledger/contradictions.h"
#include "ledger/lateness.h"
#include "ledger/ledger.h"
#include "ledger/notices.h"
#include "ledger/record_rules.h"
#include "ledger/review_depth.h"
#include "ledger/rows.h"
#include "ledger/times.h"
#include "ledger/unread.h"
#include "ledger/words.h"
#include "sync/held.h"
#include "sync/session.h"

#include <boost/json.hpp>

#include <algorithm>
#include <map>
#include <tuple>

namespace taizhang::ledger {

namespace json = boost::json;

std::string Ledger::own_unit() const {
    const auto* cert = r_.control().cert(r_.id());
    return cert ? cert->unit : std::string();
}

Result<std::vector<std::string>> Ledger::children(const Child& child, const std::string& id) {
    std::vector<std::string> out;
    const auto by = std::string(child.of) + "_id";
    if (!has_field(r_, child.entity, by)) return out;  // a city that began with an earlier program
    TRY(auto s,
        r_.database().prepare(
            "SELECT DISTINCT id FROM \"" + std::string(child.entity) + "\" WHERE " + by + " = ?1 ORDER BY id", false));
    s.bind(1, std::string_view(id));
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) return out;
        out.emplace_back(s.text(0));
    }
}

namespace {

struct Placed {
    std::uint64_t time = 0;
    json::object entry;
};

std::string accepted_why(const RowView& row, const ControlState& control, const std::vector<fold::Line>& lines) {
    std::string out;
    for (const auto& l : lines) {
        const auto w = why(control, row, l);
        if (out.find(w) == std::string::npos) out += (out.empty() ? "" : "; ") + w;
    }
    return out;
}

bool is_against(const fold::Line& l) {
    return l.kind == fold::LineKind::refused || l.kind == fold::LineKind::suggestion ||
           l.kind == fold::LineKind::voided || l.kind == fold::LineKind::quarantined;
}

}  // namespace

/// One entry for what was accepted of a change and one for what was not: verdicts are per change, not per commit.
Result<void> Ledger::add_history(const RowView& row, json::array& out, bool& township, bool& city) {
    for (const auto& item : row.history) {
        TRY(const bool at_city, sync::level_has(r_, item.commit, Level::city));
        TRY(const bool at_township, sync::level_has(r_, item.commit, Level::township));
        city = city && at_city;
        township = township && at_township;

        json::object taken, refused;
        std::vector<fold::Line> against, about;
        for (const auto& l : item.lines) (is_against(l) ? against : about).push_back(l);
        auto is_refused = [&](int group) {
            return std::any_of(against.begin(), against.end(), [&](const auto& l) { return l.group == group; });
        };
        for (const auto& [name, value] : item.fields) {
            const auto f = row.binding->newest->field(name);
            const int group =
                f < 0 ? -2
                      : row.binding->group(row.binding->newest
                                               ->groups[static_cast<std::size_t>(
                                                   row.binding->newest->fields[static_cast<std::size_t>(f)].group)]
                                               .name);
            (is_refused(group) ? refused : taken)[name] = json_of(row, name, value);
        }
        if (!item.transition.empty()) {
            auto& what = is_refused(fold::kWorkflow) ? refused : taken;
            what["transition"] = item.transition;
            for (const auto& [name, value] : item.arguments) what[name] = json_of(value);
        }
        for (auto* what : {&taken, &refused}) {
            if (what->empty()) continue;
            json::object e;
            e["commit"] = {{"replica", item.commit.replica.hex()},
                           {"stream", item.commit.stream.str()},
                           {"seq", item.commit.seq.value}};
            e["record"] = row.id;
            e["entity"] = row.entity;
            e["time"] = time_text(item.time);
            if (item.time_unverified) e["time_unverified"] = true;
            e["level"] = taizhang::name_of(item.level);
            e["unit"] = item.unit;
            e["person"] = item.person;
            // Folded as if it had come in time; a person who wonders sees that it did not.
            constexpr std::int64_t kLateDays = 7;
            TRY(const auto late, lateness_ms(r_, item));
            if (late / kDayMs >= kLateDays) e["late_days"] = late / kDayMs;
            if (item.origin != Origin::own) e["received"] = format_local(item.received_ms);
            if (item.removal) e["removal"] = true;
            e["what"] = std::move(*what);
            e["accepted"] = what == &taken;
            e["why"] = accepted_why(row, r_.control(), what == &taken ? about : against);
            e["acks"] = {{"township", at_township}, {"city", at_city}};
            out.push_back(std::move(e));
        }
    }
    return {};
}

/// Reported and verified values of an assignment: never its own fields, always its latest report and verification.
Result<void> Ledger::add_derived(const RowView& row, json::object& fields) {
    TRY(auto report, r_.database().prepare(
                         "SELECT value, text, occurred_at, claims_complete, id, time_unverified FROM progress_report "
                         "WHERE assignment_id = ?1 ORDER BY unixepoch(occurred_at) DESC, id DESC LIMIT 1",
                         false));
    report.bind(1, std::string_view(row.id));
    TRY(const bool reported, report.step());
    auto number = [](const sqlite::Statement& s, int col) -> json::value {
        if (s.is_null(col)) return nullptr;
        const double v = s.real(col);
        const auto whole = static_cast<std::int64_t>(v);
        return static_cast<double>(whole) == v ? json::value(whole) : json::value(v);
    };
    fields["value"] = reported ? number(report, 0) : json::value(nullptr);
    fields["text"] = reported ? json::value(report.text(1)) : json::value(nullptr);
    fields["reported_at"] = reported ? json::value(report.text(2)) : json::value(nullptr);
    fields["claims_complete"] = reported && report.integer(3) != 0;
    if (reported && report.integer(5) != 0) fields["time_unverified"] = true;
    report.reset();
    TRY(auto check, r_.database().prepare("SELECT verified_value, at, verified_by_unit_id FROM verification WHERE "
                                          "assignment_id = ?1 ORDER BY unixepoch(at) DESC, id DESC LIMIT 1",
                                          false));
    check.bind(1, std::string_view(row.id));
    TRY(const bool verified, check.step());
    fields["verified_value"] = verified ? number(check, 0) : json::value(nullptr);
    fields["verified_at"] = verified ? json::value(check.text(1)) : json::value(nullptr);
    check.reset();
    for (const auto& [entity, time, name] :
         {std::tuple{"progress_report", "occurred_at", "extra"}, {"verification", "at", "verified_extra"}}) {
        if (!has_field(r_, entity, "extra")) continue;
        TRY(const auto rows, rows_of(r_,
                                     std::string("SELECT extra FROM ") + entity +
                                         " WHERE assignment_id = ?1 AND coalesce(extra, '') <> '' ORDER BY unixepoch(" +
                                         time + ") DESC, id DESC LIMIT 1",
                                     {row.id}));
        if (rows.empty()) continue;
        boost::system::error_code ec;
        auto answers = json::parse(text_at(rows.front().as_object(), "extra"), ec);
        if (!ec) fields[name] = std::move(answers);
    }
    return {};
}

Result<json::object> Ledger::show(const std::string& id) {
    auto found = r_.read_row({}, id);
    if (!found) return no_record(r_, id, found.error());
    const auto& row = *found;
    json::object o;
    o["id"] = row.id;
    o["entity"] = row.entity;
    o["unit"] = row.stream.unit;
    o["stream"] = row.stream.str();
    json::object fields;
    for (const auto& [name, value] : row.fields) fields[name] = json_of(row, name, value);
    if (row.entity == "assignment") TRY_VOID(add_derived(row, fields));
    o["fields"] = std::move(fields);
    o["state"] = row.state.empty() ? json::value(nullptr) : json::value(row.state);

    json::array history, conflicts, details;
    bool township = true, city = true;
    TRY_VOID(add_history(row, history, township, city));
    for (const auto& c : conflicts_of(row)) {
        conflicts.push_back(json::string(c.id));
        details.push_back(to_json(r_.control(), row, c));
    }
    json::array orders;
    for (const auto& child : kChildren) {
        if (row.entity != child.of) continue;
        const std::string entity(child.entity);
        TRY(const auto ids, children(child, id));
        for (const auto& c : ids) {
            TRY(const auto view, r_.read_row(entity, c));
            TRY_VOID(add_history(view, history, township, city));
            if (child.entity != kSupervisionOrder) continue;
            json::object order{{"id", view.id}};
            for (const auto& [name, value] : view.fields) order[name] = json_of(view, name, value);
            orders.push_back(std::move(order));
        }
    }
    o["orders"] = std::move(orders);
    std::stable_sort(history.begin(), history.end(),
                     [](const auto& a, const auto& b) { return a.at("time").as_string() < b.at("time").as_string(); });
    o["history"] = std::move(history);
    o["conflicts"] = std::move(conflicts);
    o["conflict_details"] = std::move(details);
    json::array allowed;
    TRY(const auto depth, review_depth(r_, row));
    if (depth > 0) o["review_depth"] = depth;
    for (const auto* t : allowed_at_depth(row, depth))
        if (!is_self_service(r_, row, t->name))
            allowed.push_back({{"transition", t->name}, {"zh", t->label.zh}, {"en", t->label.en}});
    o["allowed"] = std::move(allowed);
    o["history_complete"] = row.is_whole;
    o["acks"] = {{"township", township}, {"city", city}};
    TRY(auto unread, unread_of(r_, row.entity, row.id));
    o["needs_program"] = std::move(unread);
    TRY(auto attachments, attachments_of(r_, id));
    o["attachments"] = std::move(attachments);
    return o;
}

/// Unsent commits of streams that are another unit's by now: they still go up, or by bundle.
Result<json::array> Ledger::out_of_scope() {
    json::array out;
    if (own_unit() == r_.control().root()) return out;  // holds all there is; every page asks
    TRY(const auto left, sync::unsent(r_));
    for (const auto& c : left)
        if (r_.control().unit(c.stream.unit) && !r_.control().holds(own_unit(), c.stream))
            out.push_back({{"stream", c.stream.str()}, {"commits", c.count()}});
    return out;
}

namespace {

constexpr std::size_t kWaitingShown = 20;  ///< in the short form

/// Commits by stream; one pass over the log's index, because a city has some 24,000 streams.
Result<json::object> holds(Replica& r) {
    std::map<std::string, std::int64_t> counts;
    TRY(auto s, r.database().prepare("SELECT stream, count(*) FROM log GROUP BY stream", false));
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) break;
        counts[r.stream_name(static_cast<int>(s.integer(0))).str()] = s.integer(1);
    }
    json::object o;
    for (const auto& [stream, n] : counts) o[stream] = n;
    return o;
}

}  // namespace

Result<json::object> Ledger::status(bool whole) {
    json::object o;
    o["unit"] = own_unit();
    o["unit_name"] = unit_name(r_.control(), own_unit());
    o["replica"] = r_.id().hex();
    TRY(const auto token, r_.fact("upstream/token"));
    std::uint64_t unsent = 0;  // without a hub above everything would be, in a city thousands of chains
    if (!token.empty()) {
        TRY(unsent, sync::unsent_count(r_));
    }
    o["unsent"] = unsent;
    TRY(const auto last, r_.fact("upstream/last_sync_ms"));
    o["last_sync"] =
        last.empty() ? json::value(nullptr) : json::value(format_local(std::strtoll(last.c_str(), nullptr, 10)));
    TRY(const auto server, r_.fact("upstream/url"));
    o["server"] = server.empty() ? json::value(nullptr) : json::value(server);
    TRY(const auto level, sync::upstream_level(r_));
    o["server_level"] = level == Level::none ? json::value(nullptr) : json::value(taizhang::name_of(level));
    std::uint64_t own = 0;
    TRY(const auto heads, r_.own_heads());
    for (const auto& h : heads) own += h.seq.value;
    o["own_commits"] = own;
    TRY(const auto township, sync::own_commits_at(r_, Level::township));
    TRY(const auto county, sync::own_commits_at(r_, Level::county));
    TRY(const auto city, sync::own_commits_at(r_, Level::city));
    o["acks"] = {{"township", township}, {"county", county}, {"city", city}};
    TRY(const auto waiting, r_.waiting());
    o["waiting"] = waiting.size();
    json::array details;
    for (const auto& w : waiting) {
        if (!whole && details.size() == kWaitingShown) break;
        details.push_back({{"stream", w.id.stream.str()},
                           {"replica", w.id.replica.hex()},
                           {"seq", w.id.seq.value},
                           {"reason", w.reason},
                           {"what", w.what}});
    }
    o["waiting_for"] = std::move(details);
    o["needs_program"] =
        std::count_if(waiting.begin(), waiting.end(), [](const auto& w) { return w.reason == "program"; });
    TRY(const auto lines, notices(r_));
    json::array told;
    for (const auto& line : lines) told.push_back(json::string(line));
    o["notices"] = std::move(told);
    TRY(const auto two_words, contradictions(r_));
    json::array contradicting;
    for (const auto& c : two_words)
        contradicting.push_back({{"kind", name_of(c.kind)},
                                 {"where", c.where},
                                 {"noticed", format_local(c.noticed_ms)},
                                 {"explained", c.is_explained},
                                 {"line", c.line()}});
    o["contradictions"] = std::move(contradicting);
    TRY(const auto gaps, sync::gaps(r_));
    json::array missing;
    for (const auto& g : gaps) missing.push_back(json::string(g.line()));
    o["missing"] = std::move(missing);
    TRY(const auto conflicts, r_.conflicts());
    o["quarantined"] = std::count_if(conflicts.begin(), conflicts.end(),
                                     [](const auto& c) { return c.line.kind == fold::LineKind::quarantined; });
    o["open_conflicts"] = std::count_if(conflicts.begin(), conflicts.end(), [](const auto& c) { return c.open; });
    TRY(const bool again, sync::must_enrol_again(r_));
    o["enrol_again"] = again;
    const auto& next = r_.control().successor(own_unit(), r_.control().head());
    o["closed"] = r_.control().is_abolished(own_unit(), r_.control().head());
    o["merged_into"] = next == own_unit() ? json::value(nullptr) : json::value(next);
    TRY(const auto foreign, out_of_scope());
    o["out_of_scope"] = foreign;
    o["clock"] = r_.now().unverified ? "low" : "trusted";
    o["control"] = r_.control().head().value;
    TRY(auto contents, contents_status(r_));
    o["attachments"] = std::move(contents);
    if (!whole) return o;
    TRY(auto held, holds(r_));
    o["holds"] = std::move(held);
    return o;
}

}  // namespace taizhang::ledger
