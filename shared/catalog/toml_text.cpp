#include "catalog/toml_text.h"

namespace taizhang {
namespace {

/// Walks over a text, string by string and comment by comment.
class Scanner {
public:
    explicit Scanner(std::string_view text) : s_(text) {
        if (s_.starts_with("\xEF\xBB\xBF")) at_ = 3;
    }

    std::optional<int> stray() {
        for (; at_ < s_.size(); ++at_) {
            const char c = s_[at_];
            if (c == '#')
                skip_comment();
            else if ((c == '"' || c == '\'') && may_begin_string())
                skip_string(c);
            else if (static_cast<unsigned char>(c) >= 0x80)
                return line_;
            if (at_ < s_.size() && s_[at_] == '\n') ++line_;
        }
        return std::nullopt;
    }

private:
    /// Behind anything else a quote begins nothing: the reader goes on over it as part of a number or a name.
    bool may_begin_string() const {
        return at_ == 0 || std::string_view(" \t\r\n=[{,.\xBF").find(s_[at_ - 1]) != std::string_view::npos;
    }

    // Each of these stops at the last byte of what it skips, or at the newline after it.
    void skip_comment() {
        while (at_ + 1 < s_.size() && s_[at_] != '\n') ++at_;
    }

    void skip_string(char quote) {
        const std::string_view three = quote == '"' ? "\"\"\"" : "'''";
        if (s_.substr(at_, 3) == three) return skip_long_string(quote, three);
        for (++at_; at_ < s_.size() && s_[at_] != quote && s_[at_] != '\n'; ++at_)
            if (quote == '"' && s_[at_] == '\\' && at_ + 1 < s_.size() && s_[at_ + 1] != '\n') ++at_;
    }

    void skip_long_string(char quote, std::string_view three) {
        for (at_ += 3; at_ < s_.size() && s_.substr(at_, 3) != three; ++at_) {
            if (s_[at_] == '\n') ++line_;
            if (quote == '"' && s_[at_] == '\\' && at_ + 1 < s_.size() && s_[at_ + 1] != '\n') ++at_;
        }
        at_ += 2;
        // Up to two quotes may stand before the three that end it.
        for (int more = 0; more < 2 && at_ + 1 < s_.size() && s_[at_ + 1] == quote; ++more) ++at_;
    }

    std::string_view s_;
    std::size_t at_ = 0;
    int line_ = 1;
};

}  // namespace

std::optional<int> line_of_stray_letter(std::string_view toml) { return Scanner(toml).stray(); }

}  // namespace taizhang
