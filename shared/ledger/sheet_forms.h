// sheet_forms.h - the issuers' own form fields as columns behind those that offices are bound to: 附加:参会人数.
//
// A column belongs to all tasks that declare a field of that name; a cell of another task stays blank. What a
// cell says becomes a part of the row's next report, like 进展情况. Pure. Threads: any.
#pragma once

#include "base/result.h"
#include "ledger/form.h"
#include "office/sheet.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace taizhang::ledger {

/// Answers by name, as value text: numbers in their shortest form, dates as 2025-12-31.
using FormAnswers = std::map<std::string, std::string>;

/// The title of a field's column, and the field that a title names (empty: it has not our form).
std::string extra_title(std::string_view name);
std::string extra_named(std::string_view title);

/// Of a report's `extra`; empty where there is none, or none that can be read.
FormAnswers answers_of(const std::string& json_text);
/// As fill_form takes them.
std::string answers_text(const FormAnswers& answers);

const FormField* field_named(const std::vector<FormField>& form, std::string_view name);
office::Cell cell_of_answer(const FormField& field, const std::string& value);
/// Errc::bad_input in words: no date, no number, none of the choices.
Result<std::string> answer_of_cell(const FormField& field, const office::Cell& cell);

}  // namespace taizhang::ledger
