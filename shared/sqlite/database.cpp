#include "sqlite/database.h"

#include "sqlite/page_sums.h"

#include <sqlite3.h>

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

namespace taizhang::sqlite {
namespace {

// The log is copied into the database when it passes this many pages. Higher: fewer
// copies, more disk; lower: more fsyncs. 2,000 pages are 8 MB.
constexpr int kWalPagesMax = 2000;
// A database without checksums gets them when it is opened, by being written anew, up to this many bytes. Higher: the
// first start of a new version takes longer (some 10 s a GB) and needs three times the room; lower: larger ones go on
// without until somebody puts them back from a backup, which has them.
constexpr std::int64_t kConvertedMax = std::int64_t{1} << 30;

bool is_io(int rc) {
    const int primary = rc & 0xff;
    return primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN || primary == SQLITE_READONLY;
}

Error disk_full() {
    return fail(
        Errc::disk_full,
        "磁盘已满,这次没有写入,请腾出空间后再试 / disk full: nothing was written; free some space and try again");
}
Error out_of_memory() { return fail(Errc::internal, "内存不足,这次没有写入 / out of memory: nothing was written"); }

}  // namespace

/// Compiled statements that nobody uses now, by their text.
struct IdleStatements {
    // Higher: more memory, a few kB each; lower: texts of one transaction push each other out.
    static constexpr std::size_t kMax = 64;

    ~IdleStatements() { close(); }
    void close() {
        closed = true;
        for (auto& [text, s] : by_text) sqlite3_finalize(s);
        by_text.clear();
    }
    sqlite3_stmt* take(std::string_view text) {
        const auto it = by_text.find(text);
        if (it == by_text.end()) return nullptr;
        auto* s = it->second;
        by_text.erase(it);
        return s;
    }
    /// Called where a statement ends, maybe because memory ran out.
    void give(sqlite3_stmt* s) noexcept {
        bool is_kept = false;
        if (!closed && by_text.size() < kMax) {
            sqlite3_reset(s);
            sqlite3_clear_bindings(s);
            try {
                is_kept = by_text.try_emplace(sqlite3_sql(s), s).second;
            } catch (const std::bad_alloc&) {  // it is compiled again the next time
            }
        }
        if (!is_kept) sqlite3_finalize(s);
    }

    std::unordered_map<std::string_view, sqlite3_stmt*> by_text;  ///< the text is the statement's own
    bool closed = false;
};

Statement::Statement(Statement&& o) noexcept
    : db_(o.db_), stmt_(std::exchange(o.stmt_, nullptr)), idle_(std::move(o.idle_)) {}
Statement& Statement::operator=(Statement&& o) noexcept {
    std::swap(db_, o.db_);
    std::swap(stmt_, o.stmt_);
    std::swap(idle_, o.idle_);
    return *this;
}
Statement::~Statement() {
    if (stmt_ && idle_)
        idle_->give(stmt_);
    else
        sqlite3_finalize(stmt_);
}

namespace {

/// A statement whose user was left by an exception, or left early, is still at a row. What is bound then would be
/// passed over, and the next step would go on with the last use's answer.
template <class F>
void bind_anew(sqlite3_stmt* s, const F& bind) {
    if (bind() != SQLITE_MISUSE) return;
    sqlite3_reset(s);
    bind();
}

}  // namespace

Statement& Statement::bind(int i, std::int64_t v) {
    bind_anew(stmt_, [&] { return sqlite3_bind_int64(stmt_, i, v); });
    return *this;
}
Statement& Statement::bind(int i, std::string_view text) {
    const auto* p = text.empty() ? "" : text.data();
    bind_anew(stmt_, [&] { return sqlite3_bind_text(stmt_, i, p, static_cast<int>(text.size()), SQLITE_STATIC); });
    return *this;
}
Statement& Statement::bind_blob(int i, std::string_view bytes) {
    const auto* p = bytes.empty() ? "" : bytes.data();
    bind_anew(stmt_, [&] { return sqlite3_bind_blob(stmt_, i, p, static_cast<int>(bytes.size()), SQLITE_STATIC); });
    return *this;
}
Statement& Statement::bind_real(int i, double v) {
    bind_anew(stmt_, [&] { return sqlite3_bind_double(stmt_, i, v); });
    return *this;
}
Statement& Statement::bind_null(int i) {
    bind_anew(stmt_, [&] { return sqlite3_bind_null(stmt_, i); });
    return *this;
}

Result<bool> Statement::step() {
    if (db_->broken_ || db_->given_up_) return db_->why_broken_;
    const int rc = sqlite3_step(stmt_);
    if (rc == SQLITE_ROW) return true;
    sqlite3_reset(stmt_);
    if (rc == SQLITE_DONE) return false;
    return db_->error_of(rc);
}

Result<> Statement::run() {
    auto r = step();
    if (!r) return std::move(r).error();
    if (*r) sqlite3_reset(stmt_);
    return {};
}

void Statement::reset() { sqlite3_reset(stmt_); }
std::int64_t Statement::integer(int col) const { return sqlite3_column_int64(stmt_, col); }
double Statement::real(int col) const { return sqlite3_column_double(stmt_, col); }
std::string_view Statement::text(int col) const {
    const auto* p = reinterpret_cast<const char*>(sqlite3_column_text(stmt_, col));
    return p ? std::string_view(p, static_cast<std::size_t>(sqlite3_column_bytes(stmt_, col))) : std::string_view();
}
std::string_view Statement::blob(int col) const {
    const auto* p = static_cast<const char*>(sqlite3_column_blob(stmt_, col));
    return p ? std::string_view(p, static_cast<std::size_t>(sqlite3_column_bytes(stmt_, col))) : std::string_view();
}
bool Statement::is_null(int col) const { return sqlite3_column_type(stmt_, col) == SQLITE_NULL; }
ColumnType Statement::type(int col) const { return static_cast<ColumnType>(sqlite3_column_type(stmt_, col)); }
static_assert(SQLITE_INTEGER == 1 && SQLITE_FLOAT == 2 && SQLITE_TEXT == 3 && SQLITE_BLOB == 4 && SQLITE_NULL == 5);
int Statement::columns() const { return sqlite3_column_count(stmt_); }
std::string_view Statement::column_name(int col) const { return sqlite3_column_name(stmt_, col); }

Error Database::break_with(Error e) {
    broken_ = true;
    why_broken_ = std::move(e);
    return why_broken_;
}

Error Database::damaged() {
    const auto& d = *sums_->damage();
    const auto page = std::to_string(d.page);
    return break_with(fail(
        Errc::corrupt,
        "文件 " + d.file + " 第 " + page +
            " 页已损坏(磁盘改变了内容),其中的内容没有显示,也没有发出;请先另存整个数据文件夹,再用备份恢复,"
            "或换一个新文件夹"
            "重新登记,从上级取回数据 / page " +
            page + " of " + d.file +
            " is damaged (the disk changed it): nothing of it was shown or sent; keep a copy of the data folder, then "
            "restore a backup, or set up anew in another folder from the office above"));
}

Error Database::error_of(int rc) {
    std::string what = sqlite3_errmsg(db_);
    std::replace(what.begin(), what.end(), '\n', ' ');  // of a damaged schema it shows a stretch
    const int primary = rc & 0xff;
    // Whatever SQLite calls it that it could not read.
    if (sums_ && sums_->damage() && primary != SQLITE_NOMEM) return damaged();
    if (is_io(rc))
        return break_with(fail(Errc::io, "磁盘读写出错(" + what + "),请检查磁盘后重新打开程序 / disk error (" + what +
                                             "): check the disk, then restart"));
    if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED)
        return fail(Errc::busy, "数据正被另一个程序使用 / another process is using " + path_);
    if (primary == SQLITE_NOTADB)
        return fail(Errc::foreign_data, "不是本程序的数据库 / not a database of this program: " + path_);
    if (primary == SQLITE_CORRUPT)
        return fail(Errc::corrupt, "数据库已损坏(" + what + ") / the database is damaged (" + what + "): " + path_);
    auto e = primary == SQLITE_NOMEM  ? out_of_memory()
             : primary == SQLITE_FULL ? disk_full()
                                      : fail(Errc::internal, "SQL: " + what);
    // It has rolled back by itself. What follows would be written without a transaction.
    if (in_transaction_ && sqlite3_get_autocommit(db_)) {
        given_up_ = true;
        why_broken_ = e;
    }
    return e;
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path, const OpenOptions& options) {
    std::unique_ptr<Database> db(new Database);
    db->path_ = path;
    db->idle_ = std::make_shared<IdleStatements>();
    TRY_VOID(db->connect(options));
    const std::string cache = "PRAGMA cache_size=-" + std::to_string(options.cache_kib) + ";";
    if (!options.read_only) {
        TRY_VOID(db->exec("PRAGMA locking_mode=EXCLUSIVE;"));
        TRY_VOID(db->check_owner(options));
        TRY_VOID(
            db->exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                     "PRAGMA wal_autocheckpoint=0; PRAGMA foreign_keys=OFF; PRAGMA temp_store=MEMORY;"
                     "PRAGMA journal_size_limit=" +
                     std::to_string(kWalPagesMax * 2 * 4096) + ";" + cache));
    } else {
        TRY_VOID(db->exec("PRAGMA query_only=1;" + cache));
    }
    sqlite3_wal_hook(
        db->db_,
        [](void* self, sqlite3*, const char*, int pages) {
            static_cast<Database*>(self)->wal_pages_ = pages;
            return SQLITE_OK;
        },
        db.get());
    TRY(db->begin_, db->prepare("BEGIN IMMEDIATE"));
    TRY(db->commit_, db->prepare("COMMIT"));
    TRY(db->rollback_, db->prepare("ROLLBACK"));
    if (!options.read_only) TRY_VOID(db->add_sums(options));
    return db;
}

Result<> Database::connect(const OpenOptions& options) {
    std::string vfs = options.vfs;
    if (path_ != ":memory:") {
        sums_ = std::make_unique<PageSums>(options.vfs, !options.read_only);
        vfs = sums_->name();
        if (vfs.empty()) return fail(Errc::internal, "no such VFS: " + options.vfs);
    }
    const int flags =
        (options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) | SQLITE_OPEN_NOMUTEX;
    if (const int rc = sqlite3_open_v2(path_.c_str(), &db_, flags, vfs.empty() ? nullptr : vfs.c_str());
        rc != SQLITE_OK) {
        auto e = error_of(rc);
        e.detail += " (" + path_ + ")";
        return e;
    }
    sqlite3_extended_result_codes(db_, 1);
    sqlite3_db_config(db_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(db_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    sqlite3_limit(db_, SQLITE_LIMIT_ATTACHED, 1);
    if (!options.read_only) make_room_for_sums();
    return {};
}

/// In a new database, and in what the next VACUUM writes.
void Database::make_room_for_sums() {
    int reserved = kSumBytes;
    if (sums_) sqlite3_file_control(db_, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
}

Result<std::int64_t> Database::number(const char* sql) {
    TRY(auto s, prepare(sql, false));
    TRY(const bool row, s.step());
    const auto v = row ? s.integer(0) : 0;
    s.reset();
    return v;
}

/// What an older version wrote gets its checksums: SQLite writes it anew, in one transaction.
Result<> Database::add_sums(const OpenOptions& options) {
    if (!sums_ || options.application_id == 0 || sums_->has_sums()) return {};
    TRY(const auto pages, number("PRAGMA page_count"));
    TRY(const auto page_bytes, number("PRAGMA page_size"));
    if (pages * page_bytes > kConvertedMax) return {};
    // The copy that it makes on the way may be large.
    TRY_VOID(exec("PRAGMA temp_store=FILE"));
    make_room_for_sums();
    const auto done = exec("VACUUM");
    TRY_VOID(exec("PRAGMA temp_store=MEMORY"));
    // Without room it goes on as it was.
    if (!done && done.error().code != Errc::disk_full) return done;
    return done ? checkpoint() : Result<>();
}

Result<> Database::check_owner(const OpenOptions& options) {
    if (options.application_id == 0) return {};
    TRY(const auto app, number("PRAGMA application_id"));
    TRY(const auto content, number("SELECT count(*) FROM sqlite_schema"));
    TRY(const auto version, number("PRAGMA user_version"));
    if (app != options.application_id && (app != 0 || content != 0))
        return fail(Errc::foreign_data, "不是本程序的数据库,没有动它:" + path_ +
                                            " / not a database of this program, left as it is: " + path_);
    if (version > options.version_max)
        return fail(Errc::foreign_data, "数据库由更新的版本写成(" + std::to_string(version) +
                                            "),请升级程序;数据没有动 / written by a newer version (" +
                                            std::to_string(version) + "): upgrade the program; nothing was touched");
    return {};
}

Database::Database() = default;

Database::~Database() {
    begin_ = {};
    commit_ = {};
    rollback_ = {};
    if (idle_) idle_->close();
    sqlite3_close_v2(db_);
}

Result<Statement> Database::prepare(std::string_view sql, bool persistent) {
    sqlite3_stmt* stmt = persistent ? nullptr : idle_->take(sql);
    if (stmt) {
        Statement known(this, stmt);
        known.idle_ = idle_;
        return known;
    }
    const int rc = sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()),
                                      persistent ? SQLITE_PREPARE_PERSISTENT : 0, &stmt, nullptr);
    if (rc != SQLITE_OK) return error_of(rc);
    Statement s(this, stmt);
    if (!persistent) s.idle_ = idle_;
    return s;
}

Result<Statement> Database::prepare_query(std::string_view sql) {
    sqlite3_set_authorizer(
        db_,
        [](void*, int action, const char*, const char*, const char*, const char*) {
            const bool reads = action == SQLITE_SELECT || action == SQLITE_READ || action == SQLITE_FUNCTION ||
                               action == SQLITE_RECURSIVE;
            return reads ? SQLITE_OK : SQLITE_DENY;
        },
        nullptr);
    sqlite3_stmt* stmt = nullptr;
    const char* tail = nullptr;
    const int rc = sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()), 0, &stmt, &tail);
    sqlite3_set_authorizer(db_, nullptr, nullptr);
    if (rc == SQLITE_AUTH)
        return fail(Errc::not_allowed, "sql 只能查询 / sql only reads: use set, do or report to write");
    if (rc != SQLITE_OK)
        return fail(Errc::bad_input,
                    std::string("SQL 有误:") + sqlite3_errmsg(db_) + " / SQL error: " + sqlite3_errmsg(db_));
    Statement s(this, stmt);
    const std::string_view rest(tail, static_cast<std::size_t>(sql.data() + sql.size() - tail));
    if (!stmt || rest.find_first_not_of(" \t\r\n;") != std::string_view::npos)
        return fail(Errc::bad_input, "请给出一条 SELECT / give one SELECT");
    return s;
}

Result<> Database::exec(const std::string& sql) {
    if (broken_ || given_up_) return why_broken_;
    const int rc = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
    if (rc != SQLITE_OK) return error_of(rc);
    return {};
}

Result<> Database::begin(Durability durability) {
    if (durability != durability_) {
        TRY_VOID(exec(durability == Durability::now ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL"));
        durability_ = durability;
    }
    TRY_VOID(begin_.run());
    in_transaction_ = true;
    return {};
}

Result<> Database::commit() {
    if (given_up_) {
        rollback();
        return why_broken_;
    }
    auto r = commit_.run();
    if (!r) {
        rollback();
        return r;
    }
    in_transaction_ = false;
    return {};
}

void Database::rollback() {
    if (!in_transaction_) return;
    in_transaction_ = given_up_ = false;
    if (sqlite3_get_autocommit(db_)) return;  // SQLite rolled back by itself
    const int rc = sqlite3_step(rollback_.stmt_);
    sqlite3_reset(rollback_.stmt_);
    if (rc != SQLITE_DONE) break_with(error_of(rc));
}

std::int64_t Database::changes() const { return sqlite3_changes64(db_); }
std::int64_t Database::total_changes() const { return sqlite3_total_changes64(db_); }

Result<> Database::checkpoint() {
    int log = 0, done = 0;
    const int rc = sqlite3_wal_checkpoint_v2(db_, nullptr, SQLITE_CHECKPOINT_TRUNCATE, &log, &done);
    if (rc != SQLITE_OK) return error_of(rc);
    wal_pages_ = 0;
    return {};
}

Result<> Database::checkpoint_if_large() {
    if (wal_pages_ < kWalPagesMax) return {};
    // The log's file stays and is written again from its beginning: a commit into a file that need not grow is one
    // write, one into a file that grows is two (its size is the file system's to log). Nobody else reads here, so the
    // whole log is copied; a file that one large transaction made is cut down to twice the usual when it begins anew.
    const int rc = sqlite3_wal_checkpoint_v2(db_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    if (rc != SQLITE_OK) return error_of(rc);
    wal_pages_ = 0;
    return {};
}

Result<bool> Database::check_pages() {
    if (!sums_ || !sums_->has_sums()) return false;
    // A page that waits in the log may be half written in the file. On a full disk it stays there, and the file is
    // looked through another time.
    if (auto copied = checkpoint(); !copied)
        return copied.error().code == Errc::disk_full ? Result<bool>(true) : copied.error();
    if (const int rc = sums_->check_file(); rc != SQLITE_OK) return error_of(rc);
    return true;
}

Result<> Database::backup_to(const std::string& path) {
    make_room_for_sums();  // the VACUUM before this one has forgotten it
    TRY(auto s, prepare("VACUUM INTO ?1", false));
    s.bind(1, std::string_view(path));
    return s.run();
}

}  // namespace taizhang::sqlite
