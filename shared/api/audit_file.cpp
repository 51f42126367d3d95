// Audit entries as a table for an office, or as lines for a program.
#include "api/audit.h"

#include "api/new_file.h"
#include "node/data_dir.h"
#include "office/xlsx_writer.h"

#include <boost/json.hpp>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace taizhang::api {

namespace json = boost::json;

namespace {

// A workbook is made in memory. More rows: more memory; a table of any length is .csv.
constexpr std::size_t kSheetRowsMax = 50'000;

struct Column {
    const char *title, *key;
    double width;
};
constexpr Column kColumns[] = {
    {"时间", "time", 18},    {"收到", "received", 18}, {"单位", "unit_name", 18}, {"单位编号", "unit", 10},
    {"层级", "level", 8},    {"人员", "person", 10},   {"电脑", "device", 12},    {"电脑编号", "replica", 12},
    {"类别", "kind", 10},    {"台账", "stream", 14},   {"序号", "seq", 6},        {"事项", "zh", 60},
    {"结果", "outcome", 10}, {"校验值", "hash", 20},
};

std::string cell(const json::object& e, const char* key) {
    const auto* v = e.if_contains(key);
    if (!v || v->is_null()) return {};
    return v->is_string() ? std::string(v->as_string()) : json::serialize(*v);
}

Error cannot_write(const std::string& path) {
    const int e = errno;
    return fail(e == ENOSPC || e == EFBIG ? Errc::disk_full : Errc::io,
                "不能写文件 " + path + ":" + std::strerror(e) + " / cannot write " + path + ": " + std::strerror(e));
}

/// Under another name until it is whole.
class Growing : public AuditFile {
public:
    explicit Growing(std::string path) : path_(std::move(path)), file_(std::fopen(beside().c_str(), "wbe")) {
        std::error_code ec;
        std::filesystem::permissions(beside(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write,
                                     ec);
    }
    ~Growing() override {
        if (!file_) return;
        std::fclose(file_);
        node::remove_file(beside());
    }
    Growing(const Growing&) = delete;
    Growing& operator=(const Growing&) = delete;

    bool is_open() const { return file_ != nullptr; }
    Result<> finish() override {
        const bool ok = std::fclose(file_) == 0;
        file_ = nullptr;
        if (ok) return node::sync_and_rename(beside(), path_);
        auto e = cannot_write(path_);
        node::remove_file(beside());
        return e;
    }

protected:
    Result<> write(const std::string& text) {
        if (std::fwrite(text.data(), 1, text.size(), file_) != text.size()) return cannot_write(path_);
        return {};
    }

private:
    std::string beside() const { return path_ + ".new"; }
    std::string path_;
    std::FILE* file_;
};

class Lines : public Growing {
public:
    using Growing::Growing;
    Result<> add(const json::object& e) override { return write(json::serialize(e) + "\n"); }
};

class Csv : public Growing {
public:
    explicit Csv(std::string path) : Growing(std::move(path)) {}
    Result<> add(const json::object& e) override {
        std::string line;
        if (!has_head_) {
            line = "\xef\xbb\xbf";  // else spreadsheets take it for the PC's own code page
            for (const auto& c : kColumns) line += (&c == kColumns ? "" : ",") + quoted(c.title);
            line += "\r\n";
            has_head_ = true;
        }
        for (const auto& c : kColumns) line += (&c == kColumns ? "" : ",") + quoted(cell(e, c.key));
        return write(line + "\r\n");
    }
    Result<> finish() override {
        if (!has_head_) TRY_VOID(write("\xef\xbb\xbf"));
        return Growing::finish();
    }

private:
    /// What a spreadsheet would take for a formula stays text.
    static std::string quoted(std::string text) {
        if (!text.empty() && std::strchr("=+-@\t", text.front())) text.insert(text.begin(), '\'');
        std::string out = "\"";
        for (const char c : text) {
            if (c == '"') out += '"';
            out += c;
        }
        return out + "\"";
    }
    bool has_head_ = false;
};

class Workbook : public AuditFile {
public:
    explicit Workbook(std::string path) : path_(std::move(path)) {
        std::vector<office::Cell> head;
        for (const auto& c : kColumns) {
            head.push_back(office::Cell::of_text(c.title));
            page_.widths.push_back(c.width);
        }
        page_.sheet.name = "审计";
        page_.sheet.rows.push_back(std::move(head));
        page_.title = "审计记录";
    }
    Result<> add(const json::object& e) override {
        if (page_.sheet.rows.size() > kSheetRowsMax)
            return fail(Errc::not_allowed,
                        "超过 50000 行,请用 .csv 或缩小范围 / more than 50000 rows: write a .csv, or "
                        "ask for less");
        std::vector<office::Cell> row;
        for (const auto& c : kColumns) row.push_back(office::Cell::of_text(cell(e, c.key)));
        page_.sheet.rows.push_back(std::move(row));
        return {};
    }
    Result<> finish() override {
        office::Workbook book;
        book.pages.push_back(std::move(page_));
        TRY(const auto bytes, office::write_xlsx(book, path_ + ".part"));
        return node::write_file(path_, bytes);
    }

private:
    std::string path_;
    office::Page page_;
};

}  // namespace

Result<std::unique_ptr<AuditFile>> AuditFile::create(const std::string& path) {
    TRY_VOID(check_is_new(path));
    if (path.ends_with(".xlsx")) return std::unique_ptr<AuditFile>(std::make_unique<Workbook>(path));
    std::unique_ptr<Growing> file;
    if (path.ends_with(".csv")) file = std::make_unique<Csv>(path);
    if (path.ends_with(".jsonl")) file = std::make_unique<Lines>(path);
    if (!file)
        return fail(Errc::usage, "--out 要以 .csv、.xlsx 或 .jsonl 结尾 / --out must end in .csv, .xlsx or .jsonl");
    if (!file->is_open()) return cannot_write(path);
    return std::unique_ptr<AuditFile>(std::move(file));
}

}  // namespace taizhang::api
