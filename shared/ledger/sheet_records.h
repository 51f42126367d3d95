// sheet_records.h - the records behind a ledger's rows, with the content of every column as it stands.
// Threads: store thread only.
#pragma once

#include "ledger/sheet_forms.h"
#include "ledger/sheet_values.h"

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

namespace taizhang::ledger {

/// One row as the ledger has it.
struct SheetRecord {
    std::string id, unit;
    std::string task;                         ///< of an assignment
    double target = 0;                        ///< of its task
    std::vector<std::string> values;          ///< value text by column, as a cell would give it back
    FormAnswers extra;                        ///< of the latest report that has any
    std::map<std::string, std::string> seen;  ///< sheet_memory.h
};

/// Which rows: those of a unit and all below it, those of a meeting; empty: all that are here.
struct SheetScope {
    std::string unit, meeting;
};

class SheetRecords {
public:
    SheetRecords(Replica& r, SheetKind kind, const Names& names) : r_(r), kind_(kind), names_(names) {}

    /// Tasks and latest reports, once, before anything else. Outside of a transaction.
    Result<> load();
    /// Ids in the order of print: by task and unit; by number and the day a problem was found; by unit.
    Result<std::vector<std::string>> ids(const SheetScope& scope);
    Result<SheetRecord> read(const std::string& id);
    /// How many ids() would give, without putting them in order.
    Result<std::size_t> count(const SheetScope& scope);
    /// The task of that id; null when it is not here.
    const RowView* task(const std::string& id) const;
    /// What stood of it when it was read (sheet_memory.h); null when it is not here.
    const std::map<std::string, std::string>* task_seen(const std::string& id) const;
    /// Ids of the tasks with that title, folded.
    std::vector<std::string> tasks_titled(std::string_view title) const;
    /// The task's own form fields; empty where it has none, or none that can be filled in.
    const std::vector<FormField>& form(const std::string& task) const;
    /// Some task here has a form field of that name.
    bool has_form_field(const std::string& name) const;

private:
    Result<> read_tasks();
    Result<> read_reports();
    Result<> read_answers();
    Result<> read_report_of(const std::string& assignment);
    Result<SheetRecord> record(const RowView& row);
    std::string derived(const SheetColumn& column, const RowView& row) const;
    std::string light_word(const RowView& row) const;

    /// The rows of a scope. `units`: of units_below(); both are to live as long as the statement.
    Result<sqlite::Statement> in_scope(const SheetScope& scope, const std::string& units, const char* columns,
                                       const char* order);

    struct Task {
        RowView row;
        std::map<std::string, std::string> seen;
        std::unordered_map<std::string, std::string> fields;
        std::string issued_at;
        double target = 0;
        std::vector<FormField> form;
    };
    struct Report {
        std::string text;
        bool has_value = false;
        double value = 0;
        FormAnswers extra;
        std::string at;
    };
    Replica& r_;
    SheetKind kind_;
    const Names& names_;
    std::unordered_map<std::string, Task> tasks_;
    std::unordered_map<std::string, Report> reports_;
    bool is_large_ = false;  ///< a large office has an index of reports: those of each row are read when it is
};

/// The text of a row's field; empty when it is null.
std::string field_text(const RowView& row, std::string_view field);

}  // namespace taizhang::ledger
