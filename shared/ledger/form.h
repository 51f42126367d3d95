// form.h - the extra form fields that an issuer adds to a task: text, number, date, choice, file.
//
// They are declared in the task (`extra_fields`, a JSON list), answered in reports and
// checks (`extra`, a JSON object by name) and summed up in the task's figures.
// Pure: no database.
#pragma once

#include "base/result.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <string>
#include <vector>

namespace taizhang::ledger {

struct FormField {
    std::string name, type;  ///< type: text, number, date, choice, file
    std::vector<std::string> choices;
    bool required = false;
};

/// The declaration; empty text is none. Errc::bad_input with what is wrong where.
Result<std::vector<FormField>> parse_form(const std::string& json_text);

/// What a person typed ("name=value" in lines, or a JSON object) against the form, as the JSON text that is kept; empty
/// when nothing was given. Names are the form's own. Errc::bad_input. `complete`: what is required must be there.
Result<std::string> fill_form(const std::vector<FormField>& form, const std::string& typed, bool complete);

}  // namespace taizhang::ledger
