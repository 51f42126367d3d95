#include "ledger/meetings.h"

#include "ledger/ledger.h"
#include "ledger/metrics.h"
#include "ledger/ranks.h"
#include "ledger/rows.h"
#include "ledger/times.h"
#include "ledger/words.h"

#include <boost/json.hpp>

#include <algorithm>
#include <map>
#include <set>

namespace taizhang::ledger {

namespace json = boost::json;

namespace {

struct AskedRank {
    std::string words;
    const char* by = nullptr;  ///< meeting, precedent, convener; nullptr: nobody asked
};

std::string shown_time(const std::string& at) {
    auto s = at.substr(0, 16);
    if (s.size() > 10) s[10] = ' ';
    return s;
}

Level host_level(Replica& r, const std::string& host) {
    const auto& control = r.control();
    if (!control.unit(host)) return Level::none;
    const auto* u = control.unit(control.authority(host, control.head()));
    return u ? u->level : Level::none;
}

/// `all`: newest first.
AskedRank asked_rank(Replica& r, const json::array& all, const json::object& meeting) {
    if (auto own = text_at(meeting, "required_rank"); !own.empty()) return {std::move(own), "meeting"};
    const auto convener = text_at(meeting, "convener"), host = text_at(meeting, "host_unit_id");
    if (convener.empty()) return {};
    for (const auto& v : all) {
        const auto& m = v.as_object();
        if (text_at(m, "convener") != convener || text_at(m, "host_unit_id") != host) continue;
        auto words = text_at(m, "required_rank");
        if (!words.empty() && text_at(m, "at") < text_at(meeting, "at")) return {std::move(words), "precedent"};
    }
    auto words = rank_asked_by(convener, host_level(r, host));
    if (words.empty()) return {};
    return {std::move(words), "convener"};
}

/// What a row of attendance failed, by name and in words.
class Verdict {
public:
    Verdict(const json::object& row, int required) {
        const auto status = text_at(row, "status");
        const bool approved = number_at(row, "leave_approved") != 0;
        const auto late = number_at(row, "late_min");
        recorded_ = !status.empty();
        came_ = status == "本人到会";
        if (status == "缺席" || (status == "请假" && !approved))
            add("absent", status == "缺席" ? "缺席" : "请假未批准", "absent");
        const bool deputy = status == "委托代会";
        if (deputy && !approved) add("deputy", "代会未批准", "an unapproved deputy");
        rank_ = rank_of(text_at(row, "rank"));
        if (rank_ == 0) rank_ = rank_of(text_at(row, "actual"));
        const bool excused = deputy && approved;
        if ((came_ || deputy) && !excused && required > 0 && rank_ > 0 && rank_ < required)
            add("below_rank", "低于要求职级", "below the rank");
        if (late > kLateMinutes) {
            const auto minutes = std::to_string(static_cast<long long>(late));
            add("late", "迟到 " + minutes + " 分钟", minutes + " minutes late");
        }
    }
    bool failed() const { return !why_.empty(); }
    bool recorded() const { return recorded_; }
    bool came() const { return came_; }
    bool has(std::string_view what) const {
        return std::any_of(why_.begin(), why_.end(), [&](const auto& w) { return w.as_string() == what; });
    }
    /// Came, but nobody knows of what rank.
    bool rank_unknown() const { return came_ && rank_ == 0; }
    const json::array& why() const { return why_; }
    const std::string& zh() const { return zh_; }
    const std::string& en() const { return en_; }

private:
    void add(const char* what, const std::string& zh, const std::string& en) {
        why_.push_back(json::string(what));
        zh_ += (zh_.empty() ? "" : "、") + zh;
        en_ += (en_.empty() ? "" : ", ") + en;
    }
    json::array why_;
    std::string zh_, en_;
    int rank_ = 0;
    bool came_ = false, recorded_ = false;
};

class Reader {
public:
    Reader(Replica& r, const MeetingsQuery& q) : r_(r), q_(q) {}

    Result<json::array> run() {
        json::array out;
        if (!r_.control().newest("meeting")) return out;
        TRY_VOID(read());
        for (const auto& v : meetings_) {
            const auto& m = v.as_object();
            const auto id = text_at(m, "id");
            if (!q_.meeting.empty() && id != q_.meeting) continue;
            const auto rows = attendance_.find(id);
            if (!q_.unit.empty() && rows == attendance_.end()) continue;
            auto one = meeting(m, rows == attendance_.end() ? std::vector<json::object>{} : rows->second);
            if (q_.failed_only && one.at("failed").as_array().empty()) continue;
            out.push_back(std::move(one));
        }
        if (!q_.meeting.empty() && out.empty() && !q_.failed_only)
            return fail(Errc::not_found, "没有会议 " + q_.meeting + " / there is no meeting " + q_.meeting);
        return out;
    }

private:
    Result<> read() {
        TRY(meetings_, rows_of(r_,
                               "SELECT id, title, at, host_unit_id, convener, required_rank FROM meeting ORDER BY "
                               "unixepoch(at) DESC, id"));
        TRY(const auto ids, units_below(r_, q_.unit));
        const std::string actual = has_field(r_, "attendance", "actual") ? "a.actual" : "NULL";
        TRY(const auto rows,
            rows_of(
                r_,
                "SELECT a.id, a.meeting_id, a.unit_id, a.expected, a.status, a.late_min, a.leave_approved, " + actual +
                    " AS actual, (SELECT p.name FROM person p WHERE p.id = a.actual_user_id) AS who, (SELECT p.rank "
                    "FROM person p WHERE p.id = a.actual_user_id) AS rank FROM attendance a WHERE a.unit_id IN "
                    "(SELECT value FROM json_each(?1)) ORDER BY a.unit_id, a.id",
                {ids}));
        for (const auto& v : rows) attendance_[text_at(v.as_object(), "meeting_id")].push_back(v.as_object());
        if (!has_field(r_, "task", "meeting_id")) return {};
        TRY(const auto decided,
            rows_of(r_,
                    "SELECT t.meeting_id, t.id, t.title, t.status, t.deadline, (SELECT count(*) FROM assignment a "
                    "WHERE a.task_id = t.id AND a.status NOT IN ('草稿', '已撤回')) AS assigned, (SELECT count(*) FROM "
                    "assignment a WHERE a.task_id = t.id AND a.status = '已办结') AS done FROM task t WHERE "
                    "coalesce(t.meeting_id, '') <> '' ORDER BY t.id"));
        for (const auto& v : decided) {
            auto o = v.as_object();
            const auto id = text_at(o, "meeting_id");
            o.erase("meeting_id");
            decisions_[id].push_back(std::move(o));
        }
        return {};
    }

    json::object meeting(const json::object& m, const std::vector<json::object>& rows) {
        const auto asked = asked_rank(r_, meetings_, m);
        const auto required = rank_of(asked.words);
        int came = 0, deputies = 0, absent = 0, late = 0, below = 0, unrecorded = 0, unknown = 0;
        json::array failed, open;
        std::string zh, en;
        for (const auto& row : rows) {
            const Verdict v(row, required);
            came += v.came();
            deputies += v.has("deputy");
            absent += v.has("absent");
            late += v.has("late");
            below += v.has("below_rank");
            unknown += required > 0 && v.rank_unknown();
            const auto unit = text_at(row, "unit_id"), name = unit_name(r_.control(), unit);
            if (!v.recorded()) {
                ++unrecorded;
                open.push_back({{"unit_id", unit}, {"unit", name}, {"expected", at_or_null(row, "expected")}});
            }
            if (!v.failed()) continue;
            failed.push_back(one_failed(row, v, name));
            zh += (zh.empty() ? "" : ";") + name + "(" + v.zh() + ")";
            en += (en.empty() ? "" : "; ") + name + " (" + v.en() + ")";
        }
        const auto it = decisions_.find(text_at(m, "id"));
        auto decisions = it == decisions_.end() ? json::array{} : it->second;
        const auto expected = std::to_string(rows.size()), decided = std::to_string(decisions.size()),
                   missed = std::to_string(failed.size());
        const auto head = shown_time(text_at(m, "at")) + " " + text_at(m, "title");
        json::object o = m;
        o["host"] = unit_name(r_.control(), text_at(m, "host_unit_id"));
        o["required_rank"] = asked.words.empty() ? json::value(nullptr) : json::value(asked.words);
        o["required_by"] = asked.by ? json::value(asked.by) : json::value(nullptr);
        o["expected"] = rows.size();
        o["in_person"] = came;
        o["deputies_unapproved"] = deputies;
        o["absent"] = absent;
        o["late"] = late;
        o["below_rank"] = below;
        o["rank_unknown"] = unknown;
        o["not_recorded"] = std::move(open);
        o["failed"] = std::move(failed);
        o["decisions"] = std::move(decisions);
        o["zh"] = head + (asked.words.empty() ? "" : "(要求" + asked.words + ")") + ":应到 " + expected + ",未达要求 " +
                  missed + (zh.empty() ? "" : ":" + zh) + ";决定形成任务 " + decided + " 项";
        o["en"] = head + (asked.words.empty() ? "" : " (asks for " + asked.words + ")") + ": " + expected +
                  " expected, " + missed + " failed" + (en.empty() ? "" : ": " + en) + "; " + decided +
                  " decision(s) became tasks";
        return o;
    }

    static json::value at_or_null(const json::object& o, const char* key) {
        const auto* v = o.if_contains(key);
        return v ? *v : json::value(nullptr);
    }

    static json::object one_failed(const json::object& row, const Verdict& v, const std::string& unit) {
        const auto* who = row.if_contains("who");
        return {{"id", at_or_null(row, "id")},
                {"unit_id", at_or_null(row, "unit_id")},
                {"unit", unit},
                {"expected", at_or_null(row, "expected")},
                {"who", who && !who->is_null() ? *who : at_or_null(row, "actual")},
                {"rank", at_or_null(row, "rank")},
                {"status", at_or_null(row, "status")},
                {"late_min", at_or_null(row, "late_min")},
                {"why", v.why()},
                {"zh", v.zh()},
                {"en", v.en()}};
    }

    Replica& r_;
    const MeetingsQuery& q_;
    json::array meetings_;
    std::map<std::string, std::vector<json::object>> attendance_;
    std::map<std::string, json::array> decisions_;
};

class Convener {
public:
    Convener(Replica& r, const Convening& c) : r_(r), ledger_(r), c_(c) {}

    Result<json::object> run() {
        TRY(const auto all, meetings(r_, {{}, c_.meeting, false}));
        const auto& m = all.front().as_object();
        const auto rank = text_at(m, "required_rank"), by = text_at(m, "required_by");
        TRY(auto units, invited(text_at(m, "host_unit_id")));
        // What was worked out is written down: it is what those who are invited read.
        if (!rank.empty() && by != "meeting") {
            TRY(const auto saved, ledger_.set(c_.meeting, {{"required_rank", rank}}, c_.person));
            (void)saved;
        }
        for (const auto& u : units) {
            const auto done = one(u, c_.expected.empty() ? rank : c_.expected);
            if (done) continue;
            if (!is_of_the_record(done.error().code)) return done.error();
            refused_.push_back({{"unit", u}, {"why", done.error().detail}});
        }
        return json::object{{"meeting", c_.meeting},
                            {"required_rank", rank.empty() ? json::value(nullptr) : json::value(rank)},
                            {"required_by", by.empty() ? json::value(nullptr) : json::value(by)},
                            {"made", std::move(made_)},
                            {"there", std::move(there_)},
                            {"refused", std::move(refused_)}};
    }

private:
    Result<std::vector<std::string>> invited(const std::string& host) {
        if (!c_.units.empty()) return c_.units;
        const auto& control = r_.control();
        const auto from = control.unit(host) ? host : own_unit(r_);
        const auto top = control.authority(from, control.head());
        const auto* above = control.unit(top);
        std::vector<std::string> out;
        // A department stands beside those that it invites: it is of its own office's level.
        for (const auto& u : control.units())
            if (const auto* x = control.unit(u); x->parent == top && !x->abolished && above && x->level != above->level)
                out.push_back(u);
        if (out.empty()) return fail(Errc::usage, "请写明要到会的单位 / name the units that have to come");
        return out;
    }

    Result<> one(const std::string& unit, const std::string& expected) {
        TRY(const auto there,
            rows_of(r_, "SELECT id FROM attendance WHERE meeting_id = ?1 AND unit_id = ?2", {c_.meeting, unit}));
        if (!there.empty()) {
            there_.push_back({{"unit", unit}, {"record", text_at(there.front().as_object(), "id")}});
            return {};
        }
        Assignments fields{{"meeting_id", c_.meeting}, {"unit_id", unit}};
        if (!expected.empty()) fields.emplace_back("expected", expected);
        TRY(const auto saved, ledger_.create("attendance", fields, c_.person));
        made_.push_back({{"unit", unit}, {"record", saved.record}});
        return {};
    }

    Replica& r_;
    Ledger ledger_;
    const Convening& c_;
    json::array made_, there_, refused_;
};

}  // namespace

Result<json::array> meetings(Replica& r, const MeetingsQuery& q) { return Reader(r, q).run(); }

Result<json::object> convene(Replica& r, const Convening& c) {
    json::object out;
    TRY_VOID(r.batch([&]() -> Result<> {
        TRY(out, Convener(r, c).run());
        return {};
    }));
    return out;
}

}  // namespace taizhang::ledger
