#include "ledger/sheet_forms.h"

#include "base/value.h"
#include "ledger/sheet_columns.h"
#include "ledger/sheet_values.h"

#include <boost/json.hpp>

#include <algorithm>

namespace taizhang::ledger {

namespace json = boost::json;

namespace {

constexpr std::string_view kPrefix = "附加:";

std::string number_text(const json::value& v) {
    const auto d = Decimal::from_double(v.to_number<double>());
    return d ? d->str() : std::string();
}

}  // namespace

std::string extra_title(std::string_view name) { return std::string(kPrefix) + std::string(name); }

std::string extra_named(std::string_view title) {
    const auto plain = plain_text(title);  // a full-width colon is one as well
    return plain.starts_with(kPrefix) ? plain.substr(kPrefix.size()) : std::string();
}

FormAnswers answers_of(const std::string& text) {
    FormAnswers out;
    if (text.empty()) return out;
    boost::system::error_code ec;
    const auto v = json::parse(text, ec);
    if (ec || !v.is_object()) return out;
    for (const auto& [name, x] : v.as_object())
        out[std::string(name)] = x.is_string() ? std::string(x.as_string()) : x.is_number() ? number_text(x) : "";
    std::erase_if(out, [](const auto& a) { return a.second.empty(); });
    return out;
}

std::string answers_text(const FormAnswers& answers) {
    json::object o;
    for (const auto& [name, value] : answers)
        if (!value.empty()) o[name] = value;
    return o.empty() ? std::string() : json::serialize(o);
}

const FormField* field_named(const std::vector<FormField>& form, std::string_view name) {
    const auto it = std::find_if(form.begin(), form.end(), [&](const auto& f) { return f.name == name; });
    return it == form.end() ? nullptr : &*it;
}

office::Cell cell_of_answer(const FormField& field, const std::string& value) {
    if (value.empty()) return {};
    if (field.type == "number") return office::Cell::of_number(std::strtod(value.c_str(), nullptr));
    if (field.type == "date") return office::Cell::of_date(value);
    return office::Cell::of_text(value);
}

Result<std::string> answer_of_cell(const FormField& field, const office::Cell& cell) {
    if (cell.kind == office::CellKind::error) return fail(Errc::bad_input, cell.text);
    const auto text = plain_text(cell.kind == office::CellKind::date ? cell.text.substr(0, 10) : cell.text);
    if (text.empty()) return std::string();
    std::string typed = text;
    if (field.type == "date") {
        // A serial number where somebody lost the cell's format is not taken for a date: it may be a count of days.
        typed = date_of(text).value_or(text);
    } else if (field.type == "number") {
        std::erase(typed, ',');
        if (const auto d = Decimal::parse(typed)) typed = d->str();
    }
    TRY(const auto kept, fill_form({field}, answers_text({{field.name, typed}}), false));
    const auto back = answers_of(kept);
    const auto it = back.find(field.name);
    return it == back.end() ? std::string() : it->second;
}

}  // namespace taizhang::ledger
