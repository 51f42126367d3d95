// bootstrap.cpp - a year of a township on the city's disk; a new PC of the township gets it over a loopback socket.
#include "bootstrap.h"

#include "base/embedded.h"
#include "loopback.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstdio>
#include <vector>

namespace taizhang::bench {
namespace {

namespace fs = std::filesystem;

constexpr int kBranches = 100, kTasksEach = 30, kReportsEach = 120, kRunsToSettle = 1;
constexpr std::int64_t kStartMs = 1'735'689'600'000, kHour = 3'600'000;  // 2025-01-01
// What people write: none of it twice the same, none longer than a form has room for.
constexpr const char* kTexts[] = {
    "本月组织主题党日活动三次,到会党员二十七人,其中外出务工党员通过视频参加,会议记录已经上传",
    "道路硬化工程完成百分之六十,因连续降雨工期顺延十天,施工方已经补充人手,预计月底前完工",
    "走访困难群众四十二户,收集意见建议十一条,已经答复九条,其余两条报请镇里协调解决",
    "集体经济收入本季度入账四万八千元,账目已经公示,村民代表会议讨论了下一步使用办法",
    "对照清单逐项自查,发现台账登记不及时的问题三处,已经明确专人负责,按周更新",
};

std::string text_of(int n) {
    return std::string(kTexts[static_cast<std::size_t>(n) % std::size(kTexts)]) + ",编号" + std::to_string(n * 7919);
}
std::string branch_id(int n) { return "B" + std::to_string(1000 + n); }
std::string date_of(int day) {
    char out[11];
    std::snprintf(out, sizeof out, "2025-%02d-%02d", 1 + day / 28 % 12, 1 + day % 28);
    return out;
}

class City {
public:
    explicit City(const fs::path& file) : r_(replica_in(file)) {
        must(r_->append_control("city", R"({"title":"bootstrap"})"));
        must(r_->append_control("catalog", std::string(embedded::ledger_catalog)));
        must(r_->batch([&]() -> Result<> {
            unit("C", "", "city");
            unit("K", "C", "county");
            unit("T", "K", "township");
            certify(r_->id(), "C", Level::city);
            for (int b = 0; b < kBranches; ++b) {
                unit(branch_id(b), "T", "branch");
                ReplicaId id;
                r_->random(id.bytes);
                authors_.push_back(id);
                certify(id, branch_id(b), Level::branch);
            }
            return {};
        }));
        for (int b = 0; b < kBranches; ++b)
            must(r_->batch([&]() -> Result<> {
                year_of(b);
                return {};
            }));
        must(r_->note_backup(r_->log_head()));
        must(r_->checkpoint());
    }
    Replica& replica() { return *r_; }

private:
    void unit(const std::string& id, const std::string& parent, const std::string& level) {
        must(r_->append_control("unit", R"({"id":")" + id + R"(","parent_id":")" + parent + R"(","level":")" + level +
                                            R"(","name":")" + id + R"("})"));
    }
    void certify(const ReplicaId& id, const std::string& unit, Level level) {
        Certificate c;
        c.replica = id;
        c.unit = unit;
        c.level = level;
        c.control = r_->control().head();
        c.issuer = "C";
        must(r_->add_certificate(c));
    }
    void write(const ReplicaId& as, Edit e) {
        Draft d;
        d.person = "王书记";
        d.edits.push_back(std::move(e));
        must(r_->edit_as(as, d, kStartMs + kHour * (written_ % 8760)));
        ++written_;
    }
    /// Tasks that the city hands out and the branch works on, each change a commit; and a report every three days.
    void year_of(int b) {
        const StreamId stream{branch_id(b), Audience::ledger};
        const auto& author = authors_[static_cast<std::size_t>(b)];
        const auto edit = [&](const char* entity, const std::string& row) {
            Edit e;
            e.entity = entity;
            e.row = row;
            e.stream = stream;
            return e;
        };
        for (int t = 0; t < kTasksEach; ++t) {
            const auto id = "A" + std::to_string(b * 1000 + t);
            auto e = edit("assignment", id);
            e.create = true;
            e.fields = {{"task_id", Value::text("T" + std::to_string(t))},
                        {"unit_id", Value::text(stream.unit)},
                        {"deadline", Value::text(date_of(t * 9))}};
            e.transition = "carry_over";
            e.arguments = {{"state", Value::text("办理中")}};
            write(r_->id(), std::move(e));
            for (const char* field : {"problems", "next_steps", "result_text", "remark"}) {
                auto change = edit("assignment", id);
                change.fields = {{field, Value::text(text_of(b + t * 31))}};
                write(author, std::move(change));
            }
        }
        for (int n = 0; n < kReportsEach; ++n) {
            auto e = edit("progress_report", "R" + std::to_string(b * 1000 + n));
            e.create = true;
            e.fields = {{"assignment_id", Value::text("A" + std::to_string(b * 1000 + n % kTasksEach))},
                        {"task_id", Value::text("T" + std::to_string(n % kTasksEach))},
                        {"unit_id", Value::text(stream.unit)},
                        {"occurred_at", Value::text(date_of(n * 3) + "T09:30:00+08:00")},
                        {"value", Value::integer(n)},
                        {"text", Value::text(text_of(b * 13 + n))}};
            write(author, std::move(e));
        }
    }

    std::unique_ptr<Replica> r_;
    std::vector<ReplicaId> authors_;
    std::int64_t written_ = 0;
};

// ------------------------------------------------------------------ the floor

/// One connection with SQLite's defaults, as durable as ours.
class Plain {
public:
    explicit Plain(const fs::path& file) {
        check(sqlite3_open(file.c_str(), &db_));
        exec("PRAGMA journal_mode=WAL");
        exec("PRAGMA synchronous=FULL");
    }
    Plain(const Plain&) = delete;
    Plain& operator=(const Plain&) = delete;
    ~Plain() { sqlite3_close(db_); }
    void exec(const std::string& sql) { check(sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr)); }
    sqlite3_stmt* prepare(const std::string& sql) {
        sqlite3_stmt* s = nullptr;
        check(sqlite3_prepare_v2(db_, sql.c_str(), -1, &s, nullptr));
        return s;
    }
    void check(int code) const {
        if (code != SQLITE_OK) throw std::runtime_error(std::string("SQLite: ") + sqlite3_errmsg(db_));
    }

private:
    sqlite3* db_ = nullptr;
};

constexpr const char* kTables[] = {"assignment", "progress_report"};

/// The device's rows as people see them, without clocks and streams, in a file of their own.
std::uint64_t take_rows(const fs::path& device, const fs::path& to) {
    Plain out(to);
    out.exec("ATTACH '" + device.string() + "' AS device");
    std::uint64_t rows = 0;
    for (const auto* table : kTables) {
        std::string columns;
        auto* s = out.prepare(std::string("SELECT name FROM device.pragma_table_info('") + table +
                              "') WHERE name NOT IN ('_s', '_m', '_h')");
        while (sqlite3_step(s) == SQLITE_ROW) {
            const std::string name(reinterpret_cast<const char*>(sqlite3_column_text(s, 0)));
            columns += (columns.empty() ? "\"" : ", \"") + name + "\"";
        }
        sqlite3_finalize(s);
        out.exec(std::string("CREATE TABLE ") + table + "(" + columns + ", PRIMARY KEY(\"id\"))");
        out.exec(std::string("INSERT INTO ") + table + " SELECT " + columns + " FROM device." + table);
        auto* n = out.prepare(std::string("SELECT count(*) FROM ") + table);
        sqlite3_step(n);
        rows += static_cast<std::uint64_t>(sqlite3_column_int64(n, 0));
        sqlite3_finalize(n);
    }
    return rows;
}

/// Row by row from one file into a new one, as a program would that has no history to keep: one transaction.
double copy_rows(const fs::path& from, const fs::path& to) {
    Plain source(from), out(to);
    for (const auto* table : kTables) {
        auto* s = source.prepare(std::string("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = '") +
                                 table + "'");
        sqlite3_step(s);
        out.exec(reinterpret_cast<const char*>(sqlite3_column_text(s, 0)));
        sqlite3_finalize(s);
    }
    const auto start = std::chrono::steady_clock::now();
    out.exec("BEGIN IMMEDIATE");
    for (const auto* table : kTables) {
        auto* read = source.prepare(std::string("SELECT * FROM ") + table);
        const int columns = sqlite3_column_count(read);
        std::string marks;
        for (int i = 0; i < columns; ++i) marks += i ? ", ?" : "?";
        auto* write = out.prepare(std::string("INSERT INTO ") + table + " VALUES(" + marks + ")");
        while (sqlite3_step(read) == SQLITE_ROW) {
            for (int i = 0; i < columns; ++i)
                out.check(sqlite3_bind_value(write, i + 1, sqlite3_column_value(read, i)));
            if (sqlite3_step(write) != SQLITE_DONE) throw std::runtime_error("SQLite: a row was not written");
            sqlite3_reset(write);
        }
        sqlite3_finalize(read);
        sqlite3_finalize(write);
    }
    out.exec("COMMIT");
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> v) {
    std::sort(v.begin(), v.end());
    return v[v.size() / 2];
}

void forget(const fs::path& file) {
    for (const char* s : {"", "-wal", "-shm"}) fs::remove(file.string() + s);
}

}  // namespace

void print_bootstrap(std::size_t runs, const fs::path& dir) {
    fs::create_directories(dir);
    City city(dir / "city.db");
    auto hub = must(sync::Hub::open(city.replica()));
    Loopback link(hub);
    const auto file = dir / "device.db", rows_file = dir / "rows.db", copy = dir / "copy.db";
    std::vector<double> state, log, plain, ratio, log_ratio;
    WireCost cost;
    std::uint64_t rows = 0;
    using Begin = sync::Enrolment::Begin;
    const auto begin = [&](Begin how) {
        forget(file);
        const auto device = replica_in(file);
        const auto start = std::chrono::steady_clock::now();
        link.enrol(*device, "T", how);
        cost = link.sync(*device);
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        if (how == Begin::with_state && !device->has_dropped())
            throw std::runtime_error("it did not begin from a state");
        const auto there = must(city.replica().digest()), here = must(device->digest());
        for (const auto& d : here)
            if (std::find(there.begin(), there.end(), d) == there.end())
                throw std::runtime_error("city and device differ in " + d.first);
        return seconds;
    };
    WireCost state_cost;
    for (std::size_t n = 0; n < runs + kRunsToSettle; ++n) {
        const double with_log = begin(Begin::with_log);
        const double with_state = begin(Begin::with_state);
        state_cost = cost;
        if (rows == 0) rows = take_rows(file, rows_file);
        forget(copy);
        const double floor = copy_rows(rows_file, copy);
        if (n < kRunsToSettle) continue;
        state.push_back(with_state);
        log.push_back(with_log);
        plain.push_back(floor);
        ratio.push_back(with_state / floor);
        log_ratio.push_back(with_log / floor);
    }
    std::printf("a township of %d branches, a year: %llu rows, %llu commits; medians of %zu runs over loopback\n",
                kBranches, static_cast<unsigned long long>(rows),
                static_cast<unsigned long long>(city.replica().log_head().value), runs);
    std::printf("  the same rows into plain SQLite     %7.3f s\n", median(plain));
    std::printf("  a new PC, from the city's state     %7.3f s   ratio %.2f (to reach: 3.00), %.2f MB, %.0f requests\n",
                median(state), median(ratio), (state_cost.up + state_cost.down) / 1e6, state_cost.requests);
    std::printf("  a new relay, from the whole log     %7.3f s   ratio %.2f\n", median(log), median(log_ratio));
}

}  // namespace taizhang::bench
