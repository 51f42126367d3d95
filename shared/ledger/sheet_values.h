// sheet_values.h - between a cell as people fill it in and a field's value as text.
//
// Dates come as serials or as 2025.3.1, 2025/3/1, 2025-03-01, 2025年3月1日, 20250301, with full-width digits; numbers
// with full-width digits and thousands commas; units by name, short name or id. What cannot be is an error in words.
// Threads: store thread only.
#pragma once

#include "ledger/sheet_columns.h"
#include "office/sheet.h"
#include "replica/replica.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace taizhang::ledger {

/// 2025-03-01 of any of the forms above; nothing when it is none or not on the calendar.
std::optional<std::string> date_of(std::string_view text);

/// What names stand for: units and people, as this node knows them.
class Names {
public:
    static Result<Names> load(Replica& r);

    /// Errc::not_found when there is none, or several of that name.
    Result<std::string> unit_id(std::string_view name) const;
    /// The name; with the id behind it where two units have the same.
    std::string unit_name(const std::string& id) const;
    /// 姓名 职务 of a person.
    std::string person(const std::string& id) const;
    /// The person of that unit, or of one above, whom the words mean; empty: nobody known.
    std::string person_id(const std::string& unit, std::string_view words) const;
    /// The first person of the unit: its secretary, where nobody is named.
    std::string first_person(const std::string& unit) const;

private:
    struct Person {
        std::string id, name, title, unit;
    };
    const ControlState* control_ = nullptr;
    std::map<std::string, std::vector<std::string>> units_;  // by folded name
    std::vector<Person> people_;
    std::map<std::string, std::vector<std::size_t>> people_of_;  // by unit
};

/// Errc::bad_input: the form is wrong (no date, no number). Errc::not_found: no such unit.
Result<std::string> value_of_cell(const SheetColumn& column, const office::Cell& cell, const Names& names);
office::Cell cell_of_value(const SheetColumn& column, const std::string& value, const Names& names);

}  // namespace taizhang::ledger
