#include "ledger/form.h"

#include "base/bytes.h"
#include "base/value.h"
#include "catalog/marking.h"
#include "ledger/times.h"

#include <boost/json.hpp>

#include <algorithm>

namespace taizhang::ledger {

namespace json = boost::json;

namespace {

constexpr std::size_t kFieldsMax = 30, kNameMax = 60, kAnswerMax = 2000;

Error wrong(const std::string& zh, const std::string& en) {
    return fail(Errc::bad_input, "extra_fields(附加填报项):" + zh + " / extra_fields: " + en);
}

Result<FormField> field_of(const json::value& v, std::size_t n) {
    const auto place = std::to_string(n + 1);
    if (!v.is_object()) return wrong("第 " + place + " 项不是对象", "item " + place + " is not an object");
    FormField f;
    for (const auto& [key, x] : v.as_object()) {
        if (key == "name" && x.is_string()) {
            f.name = std::string(x.as_string());
        } else if (key == "type" && x.is_string()) {
            f.type = std::string(x.as_string());
        } else if (key == "required" && x.is_bool()) {
            f.required = x.as_bool();
        } else if (key == "choices" && x.is_array()) {
            for (const auto& c : x.as_array())
                if (c.is_string()) f.choices.emplace_back(c.as_string());
        } else {
            return wrong(
                "第 " + place + " 项的 " + std::string(key) + " 不对,可用 name type choices required",
                "item " + place + ": '" + std::string(key) + "' is wrong; there are name type choices required");
        }
    }
    if (f.name.empty() || f.name.size() > kNameMax || f.name.find_first_of("=\n\r") != std::string::npos)
        return wrong("第 " + place + " 项的名称不对", "item " + place + " has no proper name");
    static constexpr const char* types[] = {"text", "number", "date", "choice", "file"};
    if (std::none_of(std::begin(types), std::end(types), [&](const char* t) { return f.type == t; }))
        return wrong(f.name + " 的类型要是 text number date choice file 之一",
                     f.name + " must be one of text number date choice file");
    if (f.type == "choice" && f.choices.size() < 2)
        return wrong(f.name + " 要有两个以上选项", f.name + " needs two choices or more");
    return f;
}

Error misfit(const FormField& f, const std::string& zh, const std::string& en) {
    return fail(Errc::bad_input, f.name + ":" + zh + " / " + f.name + ": " + en);
}

Result<json::value> value_of(const FormField& f, const std::string& text) {
    if (!is_utf8(text)) return misfit(f, "不是 UTF-8 文字", "is not UTF-8 text");
    if (text.size() > kAnswerMax)
        return misfit(f, "最多 " + std::to_string(kAnswerMax) + " 字节",
                      "longer than " + std::to_string(kAnswerMax) + " bytes");
    // Inside of JSON they would be escapes, which the check of the whole field does not see.
    if (for_terminal(text) != text) return misfit(f, "含控制字符", "has control characters");
    if (const auto marking = secrecy_marking(text); !marking.empty())
        return misfit(f, "含涉密标记“" + marking + "”,不得录入",
                      "carries a secrecy marking (" + marking + "): not accepted");
    if (f.type == "number") {
        const auto d = Decimal::parse(text);
        if (!d) return misfit(f, "不是数值:" + text, "not a number: " + text);
        return json::parse(d->str());
    }
    if (f.type == "date" && !is_calendar_date(text))
        return misfit(f, "不是日期(2025-11-06):" + text, "not a date (2025-11-06): " + text);
    if (f.type == "choice" && std::find(f.choices.begin(), f.choices.end(), text) == f.choices.end()) {
        std::string all;
        for (const auto& c : f.choices) all += (all.empty() ? "" : " ") + c;
        return misfit(f, "只能选:" + all, "choose one of: " + all);
    }
    return json::value(text);
}

Result<json::object> given_of(const std::string& typed) {
    json::object out;
    if (!typed.empty() && typed.front() == '{') {
        boost::system::error_code ec;
        auto v = json::parse(typed, ec);
        if (ec || !v.is_object()) return fail(Errc::bad_input, "附加填报项不是 JSON 对象 / extra is no JSON object");
        for (const auto& [k, x] : v.as_object())
            out[k] = x.is_string() ? x : json::value(x.is_null() ? std::string() : json::serialize(x));
        return out;
    }
    for (std::size_t from = 0; from < typed.size();) {
        const auto to = std::min(typed.find('\n', from), typed.size());
        const auto line = typed.substr(from, to - from);
        from = to + 1;
        if (line.empty()) continue;
        const auto eq = line.find('=');
        if (eq == 0 || eq == std::string::npos)
            return fail(Errc::usage,
                        "附加填报项请写成 名称=值,不是 '" + line + "' / write --extra NAME=VALUE, not '" + line + "'");
        out[line.substr(0, eq)] = line.substr(eq + 1);
    }
    return out;
}

}  // namespace

Result<std::vector<FormField>> parse_form(const std::string& text) {
    std::vector<FormField> out;
    if (text.empty()) return out;
    boost::system::error_code ec;
    const auto v = json::parse(text, ec);
    if (ec || !v.is_array()) return wrong("要是 JSON 数组", "must be a JSON array");
    if (v.as_array().size() > kFieldsMax)
        return wrong("最多 " + std::to_string(kFieldsMax) + " 项", "at most " + std::to_string(kFieldsMax) + " items");
    for (std::size_t i = 0; i < v.as_array().size(); ++i) {
        TRY(auto f, field_of(v.as_array()[i], i));
        if (std::any_of(out.begin(), out.end(), [&](const auto& x) { return x.name == f.name; }))
            return wrong(f.name + " 重复了", f.name + " stands there twice");
        out.push_back(std::move(f));
    }
    return out;
}

Result<std::string> fill_form(const std::vector<FormField>& form, const std::string& typed, bool complete) {
    TRY(const auto given, given_of(typed));
    json::object out;
    for (const auto& [name, v] : given) {
        const auto f =
            std::find_if(form.begin(), form.end(), [&named = name](const auto& x) { return x.name == named; });
        if (f == form.end()) {
            std::string all;
            for (const auto& x : form) all += (all.empty() ? "" : " ") + x.name;
            return fail(Errc::bad_input, "任务没有附加填报项 " + std::string(name) + (all.empty() ? "" : ";有:" + all) +
                                             " / the task has no extra field '" + std::string(name) + "'" +
                                             (all.empty() ? "" : "; there are: " + all));
        }
        const std::string text(v.as_string());
        if (text.empty()) continue;
        TRY(auto value, value_of(*f, text));
        out[name] = std::move(value);
    }
    if (complete)
        for (const auto& f : form)
            if (f.required && !out.contains(f.name))
                return fail(Errc::bad_input,
                            "请填写附加填报项 " + f.name + " / the extra field " + f.name + " is needed");
    return out.empty() ? std::string() : json::serialize(out);
}

}  // namespace taizhang::ledger
