#include "ledger/city_reader.h"

#include "ledger/city_form.h"

#include <boost/json/array.hpp>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <unordered_set>

namespace taizhang::ledger {

namespace json = boost::json;

namespace {

using namespace city_form;

constexpr std::size_t kReadBlock = 64 << 10;
constexpr std::size_t kNumberMax = 1'000;                         ///< digits of one number
constexpr std::size_t kOtherMax = 16 * kCityRecordMax;            ///< everything that is no record list, together
constexpr std::size_t kValueCost = sizeof(json::key_value_pair);  ///< what a value costs besides its text

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
        auto name = in_list_ ? record_name(section_, index_, id_) : shown_text(section_);
        std::string path;
        for (std::size_t i = in_list_ ? 2 : 1; i < frames_.size(); ++i) {
            const auto& f = frames_[i];
            const auto values_end = i + 1 < frames_.size() ? frames_[i + 1].first_value : values_.size();
            if (!f.is_object)
                path += "[" + std::to_string(values_end - f.first_value) + "]";
            else if (!f.key.empty())
                path += (path.empty() ? "" : ".") + shown_text(f.key);
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
            if (good < bytes.size()) TRY_VOID(feed_held_back());
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

    /// Boost.JSON 1.81 goes on from the middle of a character or of an escape with a buffer that is some bytes too
    /// small for what follows (basic_parser::parse_escaped): a block never ends there.
    static std::size_t whole_part(std::string_view bytes) {
        constexpr std::size_t kEscapeMax = 12;  // a pair of surrogates
        const auto near_end = bytes.size() - std::min(bytes.size(), kEscapeMax);
        if (const auto escape = bytes.find('\\', near_end); escape != bytes.npos) return escape;
        auto lead = bytes.size();
        while (lead > 0 && bytes.size() - lead < 3 && (static_cast<unsigned char>(bytes[lead - 1]) & 0xC0) == 0x80)
            --lead;
        if (lead == 0) return bytes.size();
        const auto first = static_cast<unsigned char>(bytes[lead - 1]);
        const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;
        return bytes.size() - (lead - 1) < length ? lead - 1 : bytes.size();
    }

    Result<> feed(std::string_view bytes) {
        held_back_ += bytes;
        const auto whole = whole_part(held_back_);
        TRY_VOID(parse(std::string_view(held_back_).substr(0, whole)));
        held_back_.erase(0, whole);
        return {};
    }

    Result<> feed_held_back() {
        TRY_VOID(parse(held_back_));
        held_back_.clear();
        return {};
    }

    Result<> parse(std::string_view bytes) {
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
        TRY_VOID(feed_held_back());
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
    std::string held_back_;  ///< the end of a block that the parser gets with the next one
    std::size_t offset_ = 0, line_ = 1;
};

}  // namespace

Result<CityFile> read_city_records(const std::string& path) { return FileReader(path).read(); }

}  // namespace taizhang::ledger
