// ledger.h - what people do with the records: lists, one record with its history, reports, decisions.
//
// Everything that the terminal, the JSON API and the screens show or write goes
// through here; JSON shapes are those of docs/CLI.md. Writing means: make a Draft and
// hand it to Replica::edit, the one way in. What a role may do is the catalog's
// business, never this file's.
//
// Errors: not_found, not_allowed, bad_input, usage with one line in both languages;
// nothing is written then. Threads: store thread only.
#pragma once

#include "replica/replica.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace taizhang::ledger {

struct Child;

struct Saved {
    std::vector<CommitId> commits;
    std::string record;              ///< the record that was written or made
    std::vector<std::string> notes;  ///< what a person should know about it; one line each, both languages
};

struct ReportInput {
    std::optional<std::string> value;
    std::string text;
    std::string extra;  ///< the issuer's own form fields, as fill_form takes them
    bool claims_complete = false;
    bool no_change = false;
};

struct Attached {
    std::string name;  ///< of the file, without its folder
    std::uint64_t size = 0;
    Hash hash;
};

using Assignments = std::vector<std::pair<std::string, std::string>>;  ///< name=value, as typed
using Seen = std::vector<std::pair<std::string, VersionId>>;           ///< Edit::seen

class Ledger {
public:
    explicit Ledger(Replica& replica) : r_(replica) {}

    /// "tasks", "assignments", "rectifications", "conflicts", "todo" (in the order in which to work) or "unsent"
    /// (commits that the hub above lacks, audit.h); or the records of any entity of the catalog, by its name.
    Result<boost::json::array> list(const std::string& what);
    Result<boost::json::object> show(const std::string& id);
    /// Without `whole`: what a person looks at, and nothing that grows with the ledger.
    Result<boost::json::object> status(bool whole = true);
    Result<boost::json::array> out_of_scope();

    Result<Saved> report(const std::string& assignment, const ReportInput& input, const std::string& person);
    /// `seen`: what the person had in front of him, where that is not what stands now.
    Result<Saved> set(const std::string& id, const Assignments& fields, const std::string& person,
                      const Seen& seen = {});
    Result<Saved> act(const std::string& transition, const std::string& id, const Assignments& arguments,
                      const std::string& person);
    /// A new record of that entity: its id is made here, the unit it belongs to is this node's unless it is given, and
    /// its first time field is now unless it is given (a task's: when it is issued).
    Result<Saved> create(const std::string& entity, const Assignments& fields, const std::string& person);
    /// The stream in which an attachment of that record goes: the record's own where this node may write, otherwise
    /// the own unit's. Errc::not_found.
    Result<StreamId> attachment_home(const std::string& id);
    /// Says that a content belongs to the record; the bytes are the caller's to keep, before this.
    Result<Saved> attach(const std::string& id, const Attached& what, const std::string& person);
    /// `pick`: "mine", "theirs", or the text that is to stand.
    Result<Saved> resolve(const std::string& conflict, const std::string& pick, const std::string& person);

private:
    Result<boost::json::array> conflicts(const std::string& row = {});
    /// `of`: a JSON list of units, for those of assignments and rectifications only; empty: all.
    Result<boost::json::array> records(const std::string& entity, const std::string& of = {});
    Result<boost::json::array> plain_records(const std::string& entity);
    Result<boost::json::array> todo();
    Result<void> add_derived(const RowView& row, boost::json::object& fields);
    Result<void> add_history(const RowView& row, boost::json::array& out, bool& township, bool& city);
    Result<std::vector<std::string>> children(const Child& child, const std::string& id);
    Result<Saved> save(Draft draft, const std::string& record);
    Result<void> note_refusals(const Draft& draft, Saved& saved);
    Result<Saved> verify_value(const RowView& assignment, const std::string& value, const std::string& extra,
                               const std::string& person);
    Result<Saved> add_push(const RowView& assignment, const Assignments& arguments, const std::string& person);
    std::string own_unit() const;

    Replica& r_;
};

}  // namespace taizhang::ledger
