// Two halves: Intake builds records from parser events and refuses what is too long, too big or too deep while it
// still comes in; Checker then looks at the whole, because a record may name another that stands further down.

#include "ledger/city_file.h"

#include "base/ids.h"
#include "ledger/times.h"

#include <boost/json/array.hpp>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <unordered_set>

namespace taizhang::ledger {

namespace json = boost::json;

namespace {

constexpr std::size_t kReadBlock = 64 << 10;
constexpr std::size_t kNumberMax = 1'000;               ///< digits of one number
constexpr std::size_t kIdMax = 200;                     ///< bytes of an id; it goes into keys, paths and lines
constexpr std::size_t kOtherMax = 16 * kCityRecordMax;  ///< everything that is no record list, together
constexpr std::size_t kValueCost = sizeof(json::key_value_pair);  ///< what a value costs besides its text

std::string_view sv(const json::string& s) { return {s.data(), s.size()}; }

/// Foreign text inside our one line: short, and without anything that would break the line.
std::string shown(std::string_view text) {
    constexpr std::size_t max = 60;
    auto n = std::min(text.size(), max);
    while (n < text.size() && n > 0 && (static_cast<unsigned char>(text[n]) & 0xC0) == 0x80) --n;
    std::string out(text.substr(0, n));
    for (auto& c : out)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    if (n < text.size()) out += "…";
    return out;
}

Error line(const std::string& where, const std::string& chinese, const std::string& english) {
    return fail(Errc::bad_input, where + ": " + chinese + " / " + english);
}

// What a record holds ---------------------------------------------------------------------------------------------

enum class Kind { text, number, boolean, time, date, day_or_time, level, status, ref, refs, texts, part, rows };

/// One key of a record. What is not required may be missing or null, and a reference then also empty.
struct Field {
    std::string_view name;
    Kind kind;
    bool required;
    std::string_view target = {};  ///< the list that a reference names, or the dictionary of a status
    std::span<const Field> nested = {};
};

struct List {
    std::string_view name;
    bool has_id;
    std::span<const Field> fields;
};

constexpr bool must = true, may = false;

constexpr Field kConnectivity[] = {
    {"zone", Kind::text, may}, {"link", Kind::text, may}, {"typical_offline_days", Kind::number, may}};
constexpr Field kDevice[] = {
    {"os", Kind::text, may}, {"arch", Kind::text, may}, {"ram_gb", Kind::number, may}, {"disk", Kind::text, may}};
constexpr Field kIndicator[] = {{"name", Kind::text, may},
                                {"reported", Kind::number, may},
                                {"verified", Kind::number, may},
                                {"target", Kind::number, may}};
constexpr Field kEvent[] = {{"at", Kind::time, must},
                            {"action", Kind::text, must},
                            {"by_unit_id", Kind::ref, may, "units"},
                            {"note", Kind::text, may}};
constexpr Field kAttendance[] = {
    {"unit_id", Kind::ref, must, "units"}, {"expected", Kind::text, may},   {"actual_user_id", Kind::ref, may, "users"},
    {"status", Kind::text, must},          {"late_min", Kind::number, may}, {"leave_approved", Kind::boolean, may}};
constexpr Field kNamed[] = {
    {"unit_id", Kind::ref, must, "units"}, {"problem_id", Kind::ref, may, "rectifications"}, {"text", Kind::text, may}};

constexpr Field kUnits[] = {{"parent_id", Kind::ref, may, "units"},
                            {"name", Kind::text, must},
                            {"level", Kind::level, must},
                            {"kind", Kind::text, may},
                            {"field", Kind::text, may},
                            {"short", Kind::text, may},
                            {"county_kind", Kind::text, may},
                            {"members", Kind::number, may},
                            {"households", Kind::number, may},
                            {"site_area_sqm", Kind::number, may},
                            {"is_demo_point", Kind::boolean, may},
                            {"emerging", Kind::boolean, may},
                            {"connectivity", Kind::part, may, {}, kConnectivity},
                            {"device", Kind::part, may, {}, kDevice}};
constexpr Field kUsers[] = {{"name", Kind::text, must},
                            {"unit_id", Kind::ref, must, "units"},
                            {"role", Kind::text, may},
                            {"title", Kind::text, may},
                            {"rank", Kind::text, may}};
constexpr Field kTasks[] = {{"no", Kind::number, may},
                            {"title", Kind::text, must},
                            {"category", Kind::text, may},
                            {"source", Kind::text, may},
                            {"lead_unit_id", Kind::ref, may, "units"},
                            {"responsible_leader", Kind::text, may},
                            {"cooperating_units", Kind::refs, may, "units"},
                            {"issued_at", Kind::time, must},
                            {"deadline", Kind::date, may},
                            {"indicator", Kind::text, may},
                            {"indicator_unit", Kind::text, may},
                            {"target_value", Kind::number, must},
                            {"applies_to_fields", Kind::texts, must},
                            {"landing_days", Kind::number, may},
                            {"is_basic", Kind::boolean, may},
                            {"requirement", Kind::text, may},
                            {"report_frequency", Kind::text, may},
                            {"fields_to_fill", Kind::number, may},
                            {"scored", Kind::boolean, may},
                            {"basis", Kind::text, may},
                            {"priority", Kind::text, may}};
constexpr Field kAssignments[] = {{"task_id", Kind::ref, must, "tasks"},
                                  {"unit_id", Kind::ref, must, "units"},
                                  {"parent_assignment_id", Kind::ref, may, "assignments"},
                                  {"received_at", Kind::time, must},
                                  {"signed_at", Kind::time, may},
                                  {"forwarded_at", Kind::time, may},
                                  {"forward_text_similarity", Kind::number, may},
                                  {"deadline", Kind::date, may},
                                  {"status", Kind::status, must, "assignment"},
                                  {"level", Kind::level, must},
                                  {"version", Kind::number, may}};
constexpr Field kReports[] = {{"assignment_id", Kind::ref, must, "assignments"},
                              {"task_id", Kind::ref, may, "tasks"},
                              {"unit_id", Kind::ref, must, "units"},
                              {"occurred_at", Kind::time, must},
                              {"synced_at", Kind::time, may},
                              {"value", Kind::number, must},
                              {"claims_complete", Kind::boolean, must},
                              {"substantive", Kind::boolean, must},
                              {"evidence_count", Kind::number, may},
                              {"text", Kind::text, may}};
constexpr Field kVerifications[] = {{"assignment_id", Kind::ref, must, "assignments"},
                                    {"task_id", Kind::ref, must, "tasks"},
                                    {"unit_id", Kind::ref, must, "units"},
                                    {"at", Kind::time, must},
                                    {"method", Kind::text, may},
                                    {"verified_value", Kind::number, must},
                                    {"verified_by_unit_id", Kind::ref, may, "units"},
                                    {"notice_given", Kind::boolean, may}};
constexpr Field kPushes[] = {{"assignment_id", Kind::ref, must, "assignments"},
                             {"unit_id", Kind::ref, must, "units"},
                             {"kind", Kind::text, may},
                             {"at", Kind::time, must},
                             {"by_unit_id", Kind::ref, may, "units"}};
constexpr Field kGuidance[] = {{"assignment_id", Kind::ref, must, "assignments"},
                               {"unit_id", Kind::ref, must, "units"},
                               {"at", Kind::time, must},
                               {"kind", Kind::text, may},
                               {"text", Kind::text, may}};
constexpr Field kHelp[] = {{"assignment_id", Kind::ref, may, "assignments"},
                           {"unit_id", Kind::ref, must, "units"},
                           {"to_unit_id", Kind::ref, may, "units"},
                           {"asked_at", Kind::time, must},
                           {"answered_at", Kind::time, may},
                           {"text", Kind::text, may}};
constexpr Field kRectifications[] = {{"no", Kind::number, may},
                                     {"source_type", Kind::text, may},
                                     {"source_doc", Kind::text, may},
                                     {"found_at", Kind::day_or_time, may},
                                     {"responsible_unit_id", Kind::ref, must, "units"},
                                     {"problem", Kind::text, must},
                                     {"related_task_id", Kind::ref, may, "tasks"},
                                     {"rectify_type", Kind::text, may},
                                     {"measures", Kind::texts, may},
                                     {"goal", Kind::text, may},
                                     {"responsible_leader", Kind::text, may},
                                     {"responsible_person", Kind::text, may},
                                     {"deadline", Kind::date, may},
                                     {"status", Kind::status, must, "rectification"},
                                     {"result_text", Kind::text, may},
                                     {"evidence", Kind::texts, may},
                                     {"acceptance_standard", Kind::text, may},
                                     {"indicator", Kind::part, may, {}, kIndicator},
                                     {"cycle", Kind::number, may},
                                     {"events", Kind::rows, may, {}, kEvent}};
constexpr Field kMeetings[] = {{"title", Kind::text, may},
                               {"at", Kind::time, must},
                               {"host_unit_id", Kind::ref, may, "units"},
                               {"convener", Kind::text, may},
                               {"required_rank", Kind::text, may},
                               {"attendance", Kind::rows, may, {}, kAttendance}};
constexpr Field kCirculars[] = {{"issuer", Kind::text, may},     {"kind", Kind::text, may},
                                {"no", Kind::text, may},         {"period", Kind::text, may},
                                {"issued_at", Kind::time, must}, {"named", Kind::rows, may, {}, kNamed}};
constexpr Field kSubmissions[] = {{"unit_id", Kind::ref, must, "units"}, {"year", Kind::number, must},
                                  {"zugong_xinxi", Kind::number, may},   {"canyue_xinxi", Kind::number, may},
                                  {"wangping", Kind::number, may},       {"influential", Kind::number, may},
                                  {"scored", Kind::boolean, may}};

constexpr List kLists[] = {
    {"units", true, kUnits},
    {"users", true, kUsers},
    {"tasks", true, kTasks},
    {"assignments", true, kAssignments},
    {"progress_reports", true, kReports},
    {"verifications", true, kVerifications},
    {"pushes", true, kPushes},
    {"guidance", true, kGuidance},
    {"help_requests", true, kHelp},
    {"rectifications", true, kRectifications},
    {"meetings", true, kMeetings},
    {"circulars", true, kCirculars},
    {"submissions_register", false, kSubmissions},
};

const List* list_named(std::string_view name) {
    const auto it = std::find_if(std::begin(kLists), std::end(kLists), [&](const List& l) { return l.name == name; });
    return it == std::end(kLists) ? nullptr : it;
}

/// The states of the two workflows, for files that bring no dictionary of their own.
constexpr std::string_view kAssignmentStates[] = {"草稿",   "待签收", "已签收",   "办理中", "待初审", "待复审",
                                                  "待终审", "退回",   "延期待批", "已办结", "已撤回", "已中止"};
constexpr std::string_view kRectificationStates[] = {"登记",   "待签收",   "制定方案", "整改中",   "待初审", "待复审",
                                                     "待终审", "退回整改", "延期待批", "持续整改", "已销号", "重启"};

std::string record_name(std::string_view list, std::size_t index, std::string_view id) {
    auto name = shown(list) + "[" + std::to_string(index) + "]";
    if (!id.empty()) name += " (" + shown(id) + ")";
    return name;
}

// From bytes to records -------------------------------------------------------------------------------------------

/// The parser's handler. At any moment it holds the records that are finished and at most one that is not.
class Intake {
public:
    static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

    explicit Intake(std::string source) : source_(std::move(source)) {}

    CityFile city;
    std::optional<Error> error;

    /// Where the parser is: "assignments[12] (A0013) unit_id", or the file's name outside of every section.
    std::string place() const {
        if (section_.empty()) return source_;
        auto name = in_list_ ? record_name(section_, index_, id_) : shown(section_);
        std::string path;
        for (std::size_t i = in_list_ ? 2 : 1; i < frames_.size(); ++i) {
            const auto& f = frames_[i];
            const auto values_end = i + 1 < frames_.size() ? frames_[i + 1].first_value : values_.size();
            if (!f.is_object)
                path += "[" + std::to_string(values_end - f.first_value) + "]";
            else if (!f.key.empty())
                path += (path.empty() ? "" : ".") + shown(f.key);
        }
        return path.empty() ? name : name + " " + path;
    }

    bool on_document_begin(json::error_code&) { return true; }
    bool on_document_end(json::error_code&) { return true; }
    bool on_comment_part(json::string_view, json::error_code&) { return true; }
    bool on_comment(json::string_view, json::error_code&) { return true; }
    bool on_object_begin(json::error_code& ec) { return begin(true, ec); }
    bool on_array_begin(json::error_code& ec) { return begin(false, ec); }

    bool on_object_end(std::size_t, json::error_code& ec) {
        auto& f = frames_.back();
        json::object object;
        object.reserve(values_.size() - f.first_value);
        for (std::size_t i = f.first_value, k = f.first_key; i < values_.size(); ++i, ++k) {
            if (object.emplace(keys_[k], std::move(values_[i])).second) continue;
            f.key = keys_[k];
            return refuse(ec, "同一项写了两次，请删去一个", "the same key stands here twice; remove one");
        }
        keys_.resize(f.first_key);
        values_.resize(f.first_value);
        frames_.pop_back();
        return frames_.empty() || end(std::move(object), ec);
    }

    bool on_array_end(std::size_t, json::error_code& ec) {
        const auto first = frames_.back().first_value;
        json::array array;
        array.reserve(values_.size() - first);
        for (auto i = first; i < values_.size(); ++i) array.push_back(std::move(values_[i]));
        values_.resize(first);
        frames_.pop_back();
        return end(std::move(array), ec);
    }

    bool on_key_part(json::string_view s, std::size_t n, json::error_code& ec) { return take_text(s, n, ec); }
    bool on_key(json::string_view s, std::size_t n, json::error_code& ec) {
        if (!take_text(s, n, ec)) return false;
        frames_.back().key = text_;
        if (frames_.size() > 1) {
            keys_.push_back(std::move(text_));
            text_.clear();
            return true;
        }
        section_ = std::move(text_);
        text_.clear();
        if (section_.empty()) return refuse(ec, "有一项没有名称", "a key without a name");
        if (!sections_.insert(section_).second)
            return refuse(ec, "这一部分出现了两次，请合并", "this part stands in the file twice; merge them");
        list_ = list_named(section_);
        cost_ = 0;
        return true;
    }

    bool on_string_part(json::string_view s, std::size_t n, json::error_code& ec) { return take_text(s, n, ec); }
    bool on_string(json::string_view s, std::size_t n, json::error_code& ec) {
        if (!take_text(s, n, ec)) return false;
        json::value v(json::string_view(text_.data(), text_.size()));
        // An id is noted as soon as it is there, so that a fault further on in the record can be named by it.
        if (in_list_ && frames_.size() == 3 && frames_[2].is_object && frames_[2].key == "id")
            id_ = text_.substr(0, kIdMax);
        text_.clear();
        return scalar(std::move(v), ec);
    }

    bool on_number_part(json::string_view s, json::error_code& ec) {
        number_.append(s.data(), s.size());
        if (number_.size() <= kNumberMax) return true;
        return refuse(ec, "数字太长", "this number has too many digits");
    }
    bool on_int64(std::int64_t i, json::string_view, json::error_code& ec) {
        number_.clear();
        return scalar(i, ec);
    }
    bool on_uint64(std::uint64_t u, json::string_view, json::error_code& ec) {
        number_.clear();
        return scalar(u, ec);
    }
    bool on_double(double approximate, json::string_view s, json::error_code& ec) {
        if (!on_number_part(s, ec)) return false;
        // The parser's own value can be one bit off; the figures promise the same fourth decimal as other tools.
        double exact = 0;
        const auto [end_of_number, fault] = std::from_chars(number_.data(), number_.data() + number_.size(), exact);
        number_.clear();
        if (fault != std::errc{}) exact = std::fabs(approximate) < 1 ? 0.0 : HUGE_VAL;
        if (!std::isfinite(exact)) return refuse(ec, "数字超出范围，请改正", "this number is out of range; correct it");
        return scalar(exact, ec);
    }
    bool on_bool(bool b, json::error_code& ec) { return scalar(b, ec); }
    bool on_null(json::error_code& ec) { return scalar(nullptr, ec); }

private:
    struct Frame {
        bool is_object;
        std::size_t first_value, first_key;
        std::string key;
    };

    bool refuse(json::error_code& ec, const char* chinese, const char* english) {
        if (!error) error = line(place(), chinese, english);
        ec = json::error::exception;
        return false;
    }

    bool charge(std::size_t bytes, json::error_code& ec) {
        cost_ += bytes;
        if (cost_ > kCityRecordMax)
            return refuse(ec, "这一条太大（上限 4 MiB），请拆开或删减",
                          "this record is over 4 MiB; split or shorten it");
        if (list_) return true;
        other_cost_ += bytes;
        if (other_cost_ > kOtherMax)
            return refuse(ec, "台账记录以外的内容太多（上限 64 MiB），请删减",
                          "what is no ledger record adds up to over 64 MiB; shorten it");
        return true;
    }

    bool take_text(json::string_view s, std::size_t total, json::error_code& ec) {
        if (total > kCityStringMax) {
            text_.clear();
            return refuse(ec, "文字太长（上限 1 MiB），请缩短", "this text is over 1 MiB; shorten it");
        }
        if (std::find(s.begin(), s.end(), '\0') != s.end())
            return refuse(ec, "文字里有空字符，请删去", "this text holds a NUL character; remove it");
        text_.append(s.data(), s.size());
        return charge(s.size(), ec);
    }

    /// A list of the file starts a record with each of its elements.
    void element_starts() {
        if (frames_.size() != 2 || !in_list_) return;
        id_.clear();
        cost_ = 0;
    }

    bool begin(bool is_object, json::error_code& ec) {
        if (frames_.size() >= static_cast<std::size_t>(kCityDepthMax))
            return refuse(ec, "嵌套太深（上限 16 层）", "nested deeper than 16 levels");
        element_starts();
        if (frames_.empty() && !is_object) return refuse_root(ec);
        if (frames_.size() == 1) {
            if (list_ && is_object) return refuse_no_list(ec);
            if (section_ == "meta" && !is_object) return refuse_meta(ec);
            in_list_ = !is_object;
            index_ = 0;
        }
        if (frames_.size() == 2 && list_ && !is_object) return refuse_no_record(ec);
        frames_.push_back({is_object, values_.size(), keys_.size(), {}});
        return charge(kValueCost, ec);
    }

    bool scalar(json::value v, json::error_code& ec) {
        element_starts();
        if (frames_.empty()) return refuse_root(ec);
        if (frames_.size() == 1 && list_) return refuse_no_list(ec);
        if (frames_.size() == 1 && section_ == "meta") return refuse_meta(ec);
        if (frames_.size() == 2 && list_) return refuse_no_record(ec);
        return charge(kValueCost, ec) && end(std::move(v), ec);
    }

    /// Puts a finished value where it belongs; the frame it stood in is the last one.
    bool end(json::value v, json::error_code& ec) {
        if (frames_.size() == 1) return end_section(std::move(v));
        if (frames_.size() == 2 && list_) {
            auto& record = v.get_object();
            const auto* id = record.if_contains("id");
            if (list_->has_id && (!id || !id->is_string()))
                return refuse(ec, "缺少文字编号 id，请补上", "the id is missing or not text; add it");
            city.records[section_].push_back(std::move(record));
        } else {
            values_.push_back(std::move(v));
        }
        if (frames_.size() == 2 && in_list_) {
            ++index_;
            id_.clear();
        }
        return true;
    }

    bool end_section(json::value v) {
        if (list_) {
            city.records.try_emplace(section_);
        } else if (section_ == "meta") {
            city.meta = std::move(v.get_object());
        } else {
            city.other.emplace(section_, std::move(v));
        }
        list_ = nullptr;
        in_list_ = false;
        cost_ = 0;
        section_.clear();
        return true;
    }

    bool refuse_root(json::error_code& ec) {
        return refuse(ec, "不是城市文件：最外层应为对象 {…}",
                      "not a city file: the outermost value must be an object {…}");
    }
    bool refuse_no_list(json::error_code& ec) { return refuse(ec, "应为列表 […]", "must be a list […]"); }
    bool refuse_meta(json::error_code& ec) { return refuse(ec, "应为对象 {…}", "must be an object {…}"); }
    bool refuse_no_record(json::error_code& ec) {
        return refuse(ec, "每条记录应为对象 {…}", "each record must be an object {…}");
    }

    std::string source_;
    std::string section_;
    std::unordered_set<std::string> sections_;
    const List* list_ = nullptr;  ///< of the section, when it is a list of records
    bool in_list_ = false;        ///< the section is a list, of records or of something else
    std::size_t index_ = 0;
    std::string id_;
    std::size_t cost_ = 0, other_cost_ = 0;
    /// Values and keys of every open object and list, outermost first; frames say where each begins.
    std::vector<Frame> frames_;
    std::vector<json::value> values_;
    std::vector<std::string> keys_;
    std::string text_, number_;
};

/// Checks UTF-8 across blocks. The parser does so only inside strings and calls everything a syntax error.
class Utf8 {
public:
    /// How many leading bytes of `block` are good.
    std::size_t take(std::string_view block) {
        for (std::size_t i = 0; i < block.size(); ++i) {
            const auto c = static_cast<unsigned char>(block[i]);
            if (left_ == 0) {
                if (c < 0x80) continue;
                if (!start(c)) return i;
            } else {
                if (c < low_ || c > high_) return i;
                low_ = 0x80;
                high_ = 0xBF;
                --left_;
            }
        }
        return block.size();
    }

private:
    /// The first byte says how many follow and bounds the second: no overlong forms, surrogates or past U+10FFFF.
    bool start(unsigned char c) {
        low_ = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
        high_ = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
        left_ = c >= 0xC2 && c <= 0xDF ? 1 : c >= 0xE0 && c <= 0xEF ? 2 : c >= 0xF0 && c <= 0xF4 ? 3 : 0;
        return left_ != 0;
    }

    int left_ = 0;
    unsigned char low_ = 0x80, high_ = 0xBF;
};

class FileReader {
public:
    explicit FileReader(const std::string& path) : path_(path), parser_(options(), path) {}

    Result<CityFile> read() {
        std::error_code ec;
        if (std::filesystem::is_directory(path_, ec))
            return line(path_, "这是文件夹，请给出城市文件", "this is a directory; name a city file");
        const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path_.c_str(), "rb"), std::fclose);
        if (!file)
            return fail(Errc::not_found,
                        path_ + ": 打不开，请检查路径和权限 / cannot be opened; check the path and its rights");
        std::string block(kReadBlock, '\0');
        bool first = true;
        while (const auto n = std::fread(block.data(), 1, block.size(), file.get())) {
            std::string_view bytes(block.data(), n);
            if (first) TRY_VOID(strip_mark(bytes));
            first = false;
            const auto good = utf8_.take(bytes);
            TRY_VOID(feed(bytes.substr(0, good)));
            if (good < bytes.size())
                return line(handler().place(), "文件不是 UTF-8 编码（" + where_zh() + "），请另存为 UTF-8",
                            "the file is not UTF-8 at " + where_en() + "; save it as UTF-8");
        }
        if (std::ferror(file.get())) return fail(Errc::io, path_ + ": 读不出来 / cannot be read");
        if (first) return line(path_, "文件是空的", "the file is empty");
        TRY_VOID(finish());
        return std::move(handler().city);
    }

private:
    using Parser = json::basic_parser<Intake>;

    static json::parse_options options() {
        json::parse_options o;
        // Above our own limit, which names the record.
        o.max_depth = 2 * static_cast<std::size_t>(kCityDepthMax);
        return o;
    }

    Intake& handler() { return parser_.handler(); }

    /// Notepad writes a byte order mark in front of UTF-8, and saves "Unicode" as UTF-16.
    Result<> strip_mark(std::string_view& bytes) {
        if (bytes.starts_with("\xEF\xBB\xBF")) {
            bytes.remove_prefix(3);
            offset_ = 3;
        }
        if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF"))
            return line(path_, "文件是 UTF-16 编码，请另存为 UTF-8", "the file is UTF-16; save it as UTF-8");
        return {};
    }

    Result<> feed(std::string_view bytes) {
        if (bytes.empty()) return {};
        json::error_code ec;
        const auto used = parser_.write_some(true, bytes.data(), bytes.size(), ec);
        const auto taken = bytes.substr(0, used);
        offset_ += used;
        line_ += static_cast<std::size_t>(std::count(taken.begin(), taken.end(), '\n'));
        if (handler().error) return *handler().error;
        if (ec)
            return line(handler().place(), "不是正确的 JSON（" + where_zh() + "），请改正",
                        "not JSON at " + where_en() + " (" + ec.message() + "); correct it");
        if (used < bytes.size())
            return line(path_, "JSON 结束之后还有内容（" + where_zh() + "），请删去",
                        "there is more after the end of the JSON at " + where_en() + "; remove it");
        return {};
    }

    Result<> finish() {
        json::error_code ec;
        parser_.write_some(false, "", 0, ec);
        if (handler().error) return *handler().error;
        if (ec)
            return line(handler().place(), "文件没有写完就结束了（" + where_zh() + "），请重新复制",
                        "the file ends too early at " + where_en() + "; copy it again");
        return {};
    }

    std::string where_zh() const {
        return "第 " + std::to_string(line_) + " 行，第 " + std::to_string(offset_ + 1) + " 字节";
    }
    std::string where_en() const { return "line " + std::to_string(line_) + ", byte " + std::to_string(offset_ + 1); }

    std::string path_;
    Parser parser_;
    Utf8 utf8_;
    std::size_t offset_ = 0, line_ = 1;
};

// What the records say --------------------------------------------------------------------------------------------

struct KindName {
    const char* chinese;
    const char* english;
};

KindName name_of(Kind kind) {
    switch (kind) {
        case Kind::number: return {"应为数字", "must be a number"};
        case Kind::boolean: return {"应为 true 或 false", "must be true or false"};
        case Kind::refs:
        case Kind::texts:
        case Kind::rows: return {"应为列表 […]", "must be a list […]"};
        case Kind::part: return {"应为对象 {…}", "must be an object {…}"};
        default: return {"应为文字", "must be text"};
    }
}

bool has_form(const json::value& v, Kind kind) {
    switch (kind) {
        case Kind::number: return v.is_number();
        case Kind::boolean: return v.is_bool();
        case Kind::refs:
        case Kind::texts:
        case Kind::rows: return v.is_array();
        case Kind::part: return v.is_object();
        default: return v.is_string();
    }
}

class Checker {
public:
    Checker(const CityFile& city, const std::string& path) : city_(city), path_(path) {}

    Result<> check() {
        if (city_.of("units").empty())
            return line(path_, "没有单位（units），请补上", "there are no units; add the list \"units\"");
        TRY_VOID(check_meta());
        TRY_VOID(gather_states());
        for (const auto& list : kLists) TRY_VOID(gather_ids(list));
        for (const auto& list : kLists) {
            const auto& records = city_.of(std::string(list.name));
            for (std::size_t i = 0; i < records.size(); ++i) {
                const auto* id = records[i].if_contains("id");
                const Place place{list.name, i, id && id->is_string() ? sv(id->get_string()) : std::string_view{}};
                TRY_VOID(check_fields(records[i], list.fields, place, {}));
            }
            if (list.name == "units") TRY_VOID(check_tree());
        }
        return check_loops("assignments", "parent_assignment_id");
    }

private:
    using Ids = std::unordered_map<std::string_view, std::size_t>;

    struct Place {
        std::string_view list;
        std::size_t index;
        std::string_view id;
        std::string str(const std::string& path) const {
            const auto record = record_name(list, index, id);
            return path.empty() ? record : record + " " + path;
        }
    };

    Result<> check_meta() const {
        const auto* as_of = city_.meta.if_contains("as_of");
        if (!as_of || as_of->is_null()) return {};
        if (as_of->is_string() && parse_time_seconds(sv(as_of->get_string()))) return {};
        return line("meta as_of", "不是真实存在的时间，请写成 2025-01-31T08:00:00+08:00",
                    "not a real time; write it as 2025-01-31T08:00:00+08:00");
    }

    /// The file's own dictionaries, else the known ones.
    Result<> gather_states() {
        states_["assignment"] = {std::begin(kAssignmentStates), std::end(kAssignmentStates)};
        states_["rectification"] = {std::begin(kRectificationStates), std::end(kRectificationStates)};
        const auto* all = city_.other.if_contains("dictionaries");
        if (!all || all->is_null()) return {};
        if (!all->is_object()) return line("dictionaries", "应为对象 {…}", "must be an object {…}");
        for (auto& [name, states] : states_) {
            const auto* own = all->get_object().if_contains(name);
            if (!own) continue;
            const auto place = "dictionaries " + std::string(name);
            if (!own->is_array() || own->get_array().empty())
                return line(place, "应为状态名称的列表", "must be a list of states");
            states.clear();
            for (const auto& s : own->get_array()) {
                if (!s.is_string()) return line(place, "状态名称应为文字", "a state must be text");
                states.insert(sv(s.get_string()));
            }
        }
        return {};
    }

    Result<> gather_ids(const List& list) {
        if (!list.has_id) return {};
        const auto& records = city_.of(std::string(list.name));
        auto& ids = ids_[list.name];
        ids.reserve(records.size());
        for (std::size_t i = 0; i < records.size(); ++i) {
            const auto id = sv(records[i].at("id").get_string());
            const Place place{list.name, i, id};
            if (id.empty()) return line(place.str("id"), "编号是空的，请补上", "the id is empty; fill it in");
            if (id.size() > kIdMax || std::any_of(id.begin(), id.end(), [](char c) {
                    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
                }))
                return line(place.str("id"), "编号太长或含有控制字符，请改正",
                            "the id is over 200 bytes or holds control characters; correct it");
            const auto [first, fresh] = ids.try_emplace(id, i);
            if (!fresh)
                return line(place.str("id"),
                            "编号与 " + record_name(list.name, first->second, {}) + " 重复，请改正其一",
                            "the id is already that of " + record_name(list.name, first->second, {}) + "; change one");
        }
        return {};
    }

    Result<> check_fields(const json::object& record, std::span<const Field> fields, const Place& place,
                          const std::string& path) const {
        for (const auto& field : fields) {
            const auto* v = record.if_contains(json::string_view(field.name.data(), field.name.size()));
            // The path is put together only where a fault is to be named: a big file has millions of fields.
            const auto here = [&] {
                return place.str(path.empty() ? std::string(field.name) : path + "." + std::string(field.name));
            };
            if (!v || v->is_null()) {
                if (!field.required) continue;
                return line(here(), "缺少此项，请补上", "this is missing; fill it in");
            }
            if (!has_form(*v, field.kind)) {
                const auto name = name_of(field.kind);
                return line(here(), name.chinese, name.english);
            }
            TRY_VOID(check_value(*v, field, place, path, here));
        }
        return {};
    }

    template <class Here>
    Result<> check_value(const json::value& v, const Field& field, const Place& place, const std::string& path,
                         const Here& here) const {
        switch (field.kind) {
            case Kind::text:
            case Kind::number:
            case Kind::boolean: return {};
            case Kind::time:
            case Kind::date:
            case Kind::day_or_time: return check_time(sv(v.get_string()), field.kind, here);
            case Kind::level:
                if (level_from(sv(v.get_string())) != Level::none) return {};
                return line(here(),
                            "没有 " + shown(sv(v.get_string())) + " 这个层级，应为 city、county、township 或 branch",
                            "no level " + shown(sv(v.get_string())) + "; use city, county, township or branch");
            case Kind::status:
                if (states_.at(field.target).contains(sv(v.get_string()))) return {};
                return line(here(), "没有“" + shown(sv(v.get_string())) + "”这个状态，请改为字典中的状态",
                            "no state \"" + shown(sv(v.get_string())) + "\" in the dictionary; use one that is");
            case Kind::ref:
                if (v.get_string().empty() && !field.required) return {};
                return check_ref(sv(v.get_string()), field, here);
            case Kind::refs:
            case Kind::texts:
                for (const auto& item : v.get_array()) {
                    if (!item.is_string()) return line(here(), "列表里应全是文字", "the list must hold only text");
                    if (field.kind == Kind::refs) TRY_VOID(check_ref(sv(item.get_string()), field, here));
                }
                return {};
            case Kind::part: return check_fields(v.get_object(), field.nested, place, join(path, field.name));
            case Kind::rows: {
                const auto& rows = v.get_array();
                for (std::size_t i = 0; i < rows.size(); ++i) {
                    const auto row = join(path, field.name) + "[" + std::to_string(i) + "]";
                    if (!rows[i].is_object()) return line(place.str(row), "应为对象 {…}", "must be an object {…}");
                    TRY_VOID(check_fields(rows[i].get_object(), field.nested, place, row));
                }
                return {};
            }
        }
        return {};
    }

    static std::string join(const std::string& path, std::string_view name) {
        return path.empty() ? std::string(name) : path + "." + std::string(name);
    }

    template <class Here>
    Result<> check_time(std::string_view text, Kind kind, const Here& here) const {
        if (kind == Kind::date ? is_calendar_date(text) : parse_time_seconds(text).has_value()) return {};
        if (kind == Kind::date)
            return line(here(), shown(text) + " 不是真实存在的日期，请写成 2025-01-31",
                        shown(text) + " is not a real date; write it as 2025-01-31");
        return line(here(), shown(text) + " 不是真实存在的时间，请写成 2025-01-31T08:00:00+08:00",
                    shown(text) + " is not a real time; write it as 2025-01-31T08:00:00+08:00");
    }

    template <class Here>
    Result<> check_ref(std::string_view id, const Field& field, const Here& here) const {
        if (ids_.at(field.target).contains(id)) return {};
        const auto target = std::string(field.target);
        return line(here(), target + " 里没有 " + shown(id) + "，请补上该记录或改正此处",
                    "there is no " + shown(id) + " in " + target + "; add it or correct this field");
    }

    std::string_view parent_of(const json::object& record, std::string_view key) const {
        const auto* v = record.if_contains(json::string_view(key.data(), key.size()));
        return v && v->is_string() ? sv(v->get_string()) : std::string_view{};
    }

    /// One root, no loops, and nobody above their own superior.
    Result<> check_tree() const {
        TRY_VOID(check_loops("units", "parent_id"));
        const auto& units = city_.of("units");
        const auto& ids = ids_.at("units");
        std::optional<std::size_t> root;
        for (std::size_t i = 0; i < units.size(); ++i) {
            const Place place{"units", i, sv(units[i].at("id").get_string())};
            const auto parent = parent_of(units[i], "parent_id");
            if (parent.empty()) {
                if (root)
                    return line(place.str("parent_id"),
                                "这是第二个没有上级的单位（第一个是 " + record_name("units", *root, {}) +
                                    "），只能有一个，请补上上级",
                                "a second unit without a parent (the first is " + record_name("units", *root, {}) +
                                    "); there is only one root, so name its parent");
                root = i;
                continue;
            }
            const auto& above = units[ids.at(parent)];
            if (level_of(units[i]) > level_of(above))
                return line(
                    place.str("level"), "层级高于上级单位 " + shown(parent) + "，请改正层级或上级",
                    "the level is above that of the parent " + shown(parent) + "; correct the level or the parent");
        }
        return {};
    }

    static Level level_of(const json::object& unit) { return level_from(sv(unit.at("level").get_string())); }

    /// Walks up from every record once: those passed on earlier walks are known to end.
    Result<> check_loops(std::string_view list, std::string_view key) const {
        const auto& records = city_.of(std::string(list));
        const auto& ids = ids_.at(list);
        constexpr std::size_t unseen = static_cast<std::size_t>(-1);
        std::vector<std::size_t> walk_of(records.size(), unseen);
        for (std::size_t start = 0; start < records.size(); ++start) {
            for (auto at = start; walk_of[at] == unseen;) {
                walk_of[at] = start;
                const auto parent = parent_of(records[at], key);
                if (parent.empty()) break;
                const auto above = ids.at(parent);
                if (walk_of[above] == start)
                    return line(Place{list, above, parent}.str(std::string(key)),
                                "上下级关系绕成了圈，请改正其中一个上级",
                                "going up from here comes back here; correct one of the parents");
                at = above;
            }
        }
        return {};
    }

    const CityFile& city_;
    const std::string& path_;
    std::unordered_map<std::string_view, Ids> ids_;
    std::unordered_map<std::string_view, std::unordered_set<std::string_view>> states_;
};

}  // namespace

const std::vector<json::object>& CityFile::of(const std::string& name) const {
    static const std::vector<json::object> none;
    const auto it = records.find(name);
    return it == records.end() ? none : it->second;
}

Result<CityFile> read_city_file(const std::string& path) {
    TRY(auto city, FileReader(path).read());
    TRY_VOID(Checker(city, path).check());
    return city;
}

}  // namespace taizhang::ledger
