#include "ledger/circular.h"

#include "ledger/lights.h"
#include "ledger/metrics_json.h"
#include "ledger/rows.h"
#include "ledger/sheet_records.h"
#include "ledger/stored_facts.h"
#include "ledger/times.h"
#include "ledger/words.h"

#include <boost/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

namespace taizhang::ledger {

namespace json = boost::json;

namespace {

constexpr std::int64_t kRhythmDays = 60;  // every two months from the province
constexpr const char* kGeneral = "综合通报";
constexpr int kTooFew = 5;

/// One unit and what it is named for.
struct Named {
    std::string unit, problem, record, text;
};

std::vector<Named> named_of(const RowView& row) {
    std::vector<Named> out;
    boost::system::error_code ec;
    const auto v = json::parse(field_text(row, "named"), ec);
    if (ec || !v.is_array()) return out;
    for (const auto& x : v.as_array())
        if (x.is_object())
            out.push_back({text_at(x.as_object(), "unit_id"), text_at(x.as_object(), "problem_id"),
                           text_at(x.as_object(), "record_id"), text_at(x.as_object(), "text")});
    return out;
}

std::string without_stop(std::string s) {
    for (const std::string_view stop : {"。", ";", "；", "."})
        if (s.ends_with(stop)) s.resize(s.size() - stop.size());
    return s;
}

/// What is found fault with, in one sentence, from the record itself.
Result<Named> finding(Replica& r, const std::string& id) {
    if (r.control().unit(id)) return Named{id, "", "", "工作推进不力"};
    TRY(const auto row, r.read_row({}, id));
    const auto task_title = [&]() -> std::string {
        const auto task = r.read_row("task", field_text(row, "task_id"));
        return task ? field_text(*task, "title") : field_text(row, "task_id");
    };
    if (row.entity == "rectification")
        return Named{row.stream.unit, id, id,
                     without_stop(field_text(row, "problem")) + "（当前状态：" + row.state + "）"};
    if (row.entity == "assignment")
        return Named{row.stream.unit, "", id,
                     "“" + task_title() + "”推进不力（当前状态：" + row.state + "，完成时限 " +
                         field_text(row, "deadline") + "）"};
    if (row.entity == "verification") {
        TRY(auto s,
            r.database().prepare("SELECT value FROM progress_report WHERE assignment_id = ?1 AND "
                                 "unixepoch(occurred_at) <= unixepoch(?2) ORDER BY unixepoch(occurred_at) DESC, id "
                                 "DESC LIMIT 1",
                                 false));
        const auto assignment = field_text(row, "assignment_id"), at = field_text(row, "at");
        s.bind(1, std::string_view(assignment)).bind(2, std::string_view(at));
        TRY(const bool there, s.step());
        const auto reported = there && !s.is_null(0) ? Decimal::from_double(s.real(0)) : std::nullopt;
        return Named{row.stream.unit, "", id,
                     "“" + task_title() + "”" + (reported ? "填报 " + reported->str() + "，" : "") + "核查为 " +
                         field_text(row, "verified_value")};
    }
    return fail(Errc::usage, row.entity + " 不能列入通报:" + id +
                                 ";可列 问题整改、核查、任务分解、单位 / a circular is not about a " + row.entity +
                                 ": " + id);
}

std::string percent(double x) {
    char buf[32];
    std::snprintf(buf, sizeof buf, "%.1f%%", std::round(x * 1000) / 10);
    return buf;
}

using Figures = std::set<std::string>;
const Figures kUsualFigures{"checked", "mean", "G1", "G3"};

/// Not a number when there is no such figure.
double figure_at(const json::object& o, std::string_view key) {
    const auto* v = o.if_contains(key);
    return v && v->is_number() ? v->to_number<double>() : NAN;
}

std::string count(double n) { return std::to_string(static_cast<std::int64_t>(n)); }

/// What the checks say: over those of the scope, at least kTooFew.
std::string checks_in_words(const json::object& m, const Figures& wanted) {
    const auto n = figure_at(m, "n_verified");
    if (!(n >= kTooFew)) return {};
    std::string out;
    const auto add = [&](const std::string& words) { out += (out.empty() ? "" : "，") + words; };
    if (wanted.contains("checked")) add("本期共核查 " + count(n) + " 项");
    if (const auto mean = figure_at(m, "G4_verified_mean"); wanted.contains("mean") && !std::isnan(mean))
        add("平均完成率 " + percent(mean));
    if (const auto gap = figure_at(m, "G1_reported_minus_verified"); wanted.contains("G1") && !std::isnan(gap))
        add("填报高于核查 " + percent(gap));
    return out.empty() ? out : out + "。";
}

/// A part of a whole: "…{whole}…{part}…{share}。", or nothing when the whole is too few.
std::string share_in_words(const json::object& m, std::string_view figure, std::string_view whole_key,
                           std::string_view before, std::string_view between) {
    const auto* v = m.if_contains(figure);
    if (!v || !v->is_object()) return {};
    const auto whole = figure_at(v->as_object(), whole_key), rate = figure_at(v->as_object(), "rate");
    if (!(whole >= kTooFew) || std::isnan(rate)) return {};
    return std::string(before) + count(whole) + std::string(between) + percent(rate) + "。";
}

/// The issuer's own; a replica that has no unit yet takes that of everything here.
std::string issuing_scope(Replica& r, const FactTable& facts) {
    if (const auto* cert = r.control().cert(r.id())) return r.control().authority(cert->unit, r.control().head());
    const auto scopes = review_scopes(facts.units());
    return scopes.empty() ? std::string() : scopes.front();
}

/// The figures of the issuer's scope in words, each with how many it is over; too few are left out.
std::string figures_in_words(StoredFacts& stored, const Figures& wanted) {
    if (wanted.empty()) return {};
    const auto facts = stored.now();
    if (!facts) return {};
    const auto m = figures_of_scope(**facts, issuing_scope(stored.replica(), **facts));
    auto out = checks_in_words(m, wanted);
    if (wanted.contains("G3"))
        out += share_in_words(m, "G3_not_landed_60d", "expected", "应落实到支部 ", " 项次，规定时间内尚未落地的占 ");
    const auto leaves = figure_at(m, "n_G4_leaves"), pushes = figure_at(m, "n_G4_pushes");
    if (wanted.contains("G4") && leaves >= kTooFew && !std::isnan(pushes))
        out += "对支部承担的 " + count(leaves) + " 项次任务催办 " + count(pushes) + " 次。";
    if (wanted.contains("D1"))
        out += share_in_words(m, "D1_false_completion", "verified_claims", "核查报完成的 ", " 项，核查不认的占 ");
    if (wanted.contains("D2"))
        out += share_in_words(m, "D2_pure_forward", "forwards", "转办 ", " 次，一天内照转、没有指导的占 ");
    if (wanted.contains("D4"))
        out += share_in_words(m, "D4_push_driven", "updates", "实质进展 ", " 条，催办后四天内才报的占 ");
    return out;
}

std::string composed_text(Replica& r, StoredFacts* kept, const std::vector<Named>& named, const std::string& demand,
                          const Figures& wanted) {
    std::string out;
    StoredFacts once(r, StoredFacts::Use::once);
    const auto figures = figures_in_words(kept ? *kept : once, wanted);
    int part = 0;
    static constexpr const char* numerals[] = {"一", "二", "三", "四", "五", "六", "七", "八", "九", "十"};
    auto heading = [&](const std::string& words) { out += std::string(numerals[part++]) + "、" + words + "\n"; };
    if (!figures.empty()) {
        heading("总体情况");
        out += figures + "\n";
    }
    heading("点名通报的问题");
    // One paragraph a unit, in the order in which they were chosen.
    std::vector<std::string> order;
    std::map<std::string, std::string> texts;
    for (const auto& n : named) {
        if (!texts.contains(n.unit)) order.push_back(n.unit);
        auto& t = texts[n.unit];
        t += (t.empty() ? "" : "；") + without_stop(n.text);
    }
    for (std::size_t i = 0; i < order.size(); ++i)
        out += (i < 10 ? "（" + std::string(numerals[i]) + "）" : std::to_string(i + 1) + ".") +
               unit_name(r.control(), order[i]) + "\n" + texts[order[i]] + "。\n";
    heading("工作要求");
    return out + (demand.empty() ? "被点名单位要对照问题逐项整改，在台账中如实填报进展，整改到位后按程序申请销号；整改"
                                   "情况纳入下一期通报。"
                                 : demand);
}

std::string chinese_day(const std::string& iso) {
    int y = 0, m = 0, d = 0;
    if (std::sscanf(iso.c_str(), "%d-%d-%d", &y, &m, &d) != 3) return iso;
    return std::to_string(y) + "年" + std::to_string(m) + "月" + std::to_string(d) + "日";
}

}  // namespace

Result<int> next_number(Replica& r, const std::string& year) {
    // Each office counts its own: a county reads the city's circulars as well.
    TRY(auto s,
        r.database().prepare("SELECT c.no FROM circular c JOIN stream s ON s.no = c._s WHERE c.no LIKE '%〔' || "
                             "?1 || '〕%' AND s.unit = ?2",
                             false));
    const auto own = r.control().authority(own_unit(r), r.control().head());
    s.bind(1, std::string_view(year)).bind(2, std::string_view(own));
    int last = 0;
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) return last + 1;
        const std::string no(s.text(0));
        const auto digits = no.find_first_of("0123456789", no.find("〕"));
        if (digits != std::string::npos) last = std::max(last, std::atoi(no.c_str() + digits));
    }
}

namespace {

/// The two months that ended last.
struct TwoMonths {
    int year = 0, first = 0;  ///< first: 1, 3, …, 11
    /// As circulars name them: 2025年9-10月.
    std::string name() const {
        return std::to_string(year) + "年" + std::to_string(first) + "-" + std::to_string(first + 1) + "月";
    }
    /// The day after them, YYYY-MM-DD.
    std::string end() const { return first_of(2); }
    /// There is the month after them to write about them: its last day.
    std::string due() const {
        const auto day = parse_time_seconds(first_of(3));
        return day ? format_local((*day - 1) * 1000).substr(0, 10) : std::string();
    }

private:
    std::string first_of(int months_on) const {
        const int month = first + months_on;
        const auto text = std::to_string(month > 12 ? month - 12 : month);
        return std::to_string(month > 12 ? year + 1 : year) + (text.size() == 1 ? "-0" : "-") + text + "-01";
    }
};

/// `day` is YYYY-MM-….
TwoMonths last_two_months(const std::string& day) {
    const auto year = std::atoi(day.substr(0, 4).c_str());
    const auto pair = (std::atoi(day.substr(5, 2).c_str()) - 1) / 2 - 1;
    return pair < 0 ? TwoMonths{year - 1, 11} : TwoMonths{year, pair * 2 + 1};
}

}  // namespace

Result<Saved> compose_circular(Replica& r, const CircularInput& in) {
    std::vector<Named> named;
    for (const auto& id : in.about) {
        TRY(auto n, finding(r, id));
        named.push_back(std::move(n));
    }
    if (named.empty()) return fail(Errc::usage, "通报没有点名单位 / the circular names nobody");
    const std::string kind = in.special ? "专项通报" : kGeneral;
    const auto now = format_local(r.now().ms);
    auto number = in.number;
    if (number.empty()) {
        TRY(const auto n, next_number(r, now.substr(0, 4)));
        number = kind + "〔" + now.substr(0, 4) + "〕第" + std::to_string(n) + "号";
    }
    const auto* cert = r.control().cert(r.id());
    if (!cert)
        return fail(Errc::not_allowed,
                    "本机还没有登记,请先 enrol / this replica has no certificate yet: run enrol first");
    const auto issuer = in.issuer.empty() ? unit_name(r.control(), cert->unit) : in.issuer;
    const auto period = in.period.empty() && !in.special ? last_two_months(now).name() : in.period;
    const auto title = !in.title.empty()
                           ? in.title
                           : "关于" + (period.empty() ? std::string("近期") : period) + "重点任务落实情况的通报";
    json::array list;
    for (const auto& n : named) {
        json::object o{{"unit_id", n.unit}, {"problem_id", nullptr}, {"text", n.text}};
        if (!n.problem.empty()) o["problem_id"] = n.problem;
        if (!n.record.empty()) o["record_id"] = n.record;
        list.push_back(std::move(o));
    }
    Assignments fields{
        {"issuer", issuer},
        {"kind", kind},
        {"no", number},
        {"period", period},
        {"issued_at", now},
        {"named", json::serialize(list)},
        {"text",
         in.text.empty() ? composed_text(r, in.facts, named, in.demand, in.figures.value_or(kUsualFigures)) : in.text}};
    // A city that still has the first catalog has no field for it; the document makes one from the period.
    const auto* circular = r.control().newest("circular");
    if (circular && circular->entity->field("title") >= 0) fields.emplace_back("title", title);
    return Ledger(r).create("circular", fields, in.person);
}

Result<office::Document> circular_document(Replica& r, const std::string& id, StoredFacts* facts) {
    TRY(const auto row, r.read_row("circular", id));
    const auto issuer = field_text(row, "issuer"), issued = field_text(row, "issued_at").substr(0, 10);
    auto title = field_text(row, "title"), text = field_text(row, "text");
    if (title.empty()) title = "关于" + field_text(row, "period") + "情况的通报";
    if (text.empty()) text = composed_text(r, facts, named_of(row), {}, kUsualFigures);
    office::Document d;
    d.title = title;
    d.author = issuer;
    if (const auto at = parse_time_seconds(field_text(row, "issued_at"))) d.made_ms = *at * 1000;
    using office::Line;
    d.paragraphs = {{Line::masthead, issuer}, {Line::number, field_text(row, "no")},
                    {Line::body, ""},         {Line::title, title},
                    {Line::body, ""},         {Line::addressee, "各有关单位："}};
    for (std::size_t from = 0; from <= text.size();) {
        const auto to = std::min(text.find('\n', from), text.size());
        auto line = text.substr(from, to - from);
        if (!line.empty()) d.paragraphs.push_back({office::line_of(line), std::move(line)});
        from = to + 1;
    }
    d.paragraphs.push_back({Line::body, ""});
    d.paragraphs.push_back({Line::signer, issuer});
    d.paragraphs.push_back({Line::date, chinese_day(issued)});
    return d;
}

Result<json::array> circulars_naming(Replica& r, const std::string& unit) {
    json::array out;
    if (!r.control().newest("circular")) return out;
    std::vector<std::string> ids;
    {
        TRY(auto s, r.database().prepare(
                        "SELECT id FROM circular WHERE named LIKE '%\"' || ?1 || '\"%' ORDER BY issued_at, id", false));
        s.bind(1, std::string_view(unit));
        for (;;) {
            TRY(const bool row, s.step());
            if (!row) break;
            ids.emplace_back(s.text(0));
        }
    }
    for (const auto& id : ids) {
        TRY(const auto row, r.read_row("circular", id));
        const auto issued = parse_time_seconds(field_text(row, "issued_at"));
        const bool is_recent = issued && r.now().ms / 1000 - *issued <= kRhythmDays * kDaySeconds;
        for (const auto& n : named_of(row)) {
            if (n.unit != unit) continue;
            std::string state, deadline;
            bool open = is_recent;
            if (const auto problem = n.problem.empty() ? Result<RowView>(fail(Errc::not_found, ""))
                                                       : r.read_row("rectification", n.problem)) {
                const auto& done = problem->binding->newest->workflow.done;
                state = problem->state;
                deadline = field_text(*problem, "deadline");
                open = std::find(done.begin(), done.end(), state) == done.end();
            }
            if (!open) continue;
            const auto title = field_text(row, "title");
            out.push_back({{"id", id},
                           {"kind", "circular"},
                           {"title", title.empty() ? field_text(row, "no") : title},
                           {"no", field_text(row, "no")},
                           {"issued_at", field_text(row, "issued_at")},
                           {"text", n.text},
                           {"problem_id", n.problem.empty() ? json::value(nullptr) : json::value(n.problem)},
                           {"status", state.empty() ? json::value(nullptr) : json::value(state)},
                           {"deadline", deadline.empty() ? json::value(nullptr) : json::value(deadline)},
                           {"todo", n.problem.empty() ? "对照通报自查整改,在台账中填报进展"
                                                      : "按通报整改 " + n.problem + ",到位后申请销号"}});
        }
    }
    return out;
}

Result<json::array> circular_due(Replica& r) {
    const auto own = own_unit(r);
    if (own.empty() || own != r.control().root() || !r.control().newest("circular") || !r.control().newest("task"))
        return json::array{};
    const auto now = r.now();
    const auto months = last_two_months(format_local(now.ms));
    // Written since they ended, whatever period it names; a city that asked for nothing yet has nothing to tell.
    const std::vector<std::string> bound{months.end() + "T00:00:00+08:00", own, kGeneral};
    TRY(const auto written, rows_of(r,
                                    "SELECT c.id FROM circular c JOIN stream s ON s.no = c._s WHERE s.unit = ?2 AND "
                                    "c.kind = ?3 AND unixepoch(c.issued_at) >= unixepoch(?1) LIMIT 1",
                                    bound));
    TRY(const auto asked,
        rows_of(r, "SELECT id FROM task WHERE unixepoch(issued_at) < unixepoch(?1) LIMIT 1", {bound.front()}));
    if (!written.empty() || asked.empty()) return json::array{};
    const auto due = months.due();
    const bool is_late = !now.unverified && format_local(now.ms).substr(0, 10) > due;
    const auto light = is_late ? Light::red : Light::yellow;
    json::object item{{"id", "circular-" + months.end()},
                      {"kind", "circular_due"},
                      {"title", "编发 " + months.name() + " " + kGeneral},
                      {"period", months.name()},
                      {"deadline", due},
                      {"light", name_of(light)},
                      {"light_zh", word_of(light)},
                      {"todo",
                       "双月通报还没有编发:在“通报”里选问题,自动成文 / the circular of these two months is not "
                       "written yet: choose findings under Circulars and it is composed"}};
    json::array out;
    out.push_back(std::move(item));
    return out;
}

}  // namespace taizhang::ledger
