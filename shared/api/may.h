// may.h - what a person's role lets them do: one table, asked before a command of the screens is executed.
//
// The table narrows; it never widens: what the unit may do is judged by the engine afterwards, as for everybody. It has
// every command, and a test fails for one that is not in it. The terminal (control socket, command line) is not asked:
// whoever can use it holds the data folder. Threads: store thread only.
#pragma once

#include "api/command.h"
#include "people/roles.h"

#include <boost/json/object.hpp>

#include <span>

namespace taizhang::api {

/// Who gives a command over HTTP.
struct Who {
    std::string login, name;  ///< empty: somebody who holds the data folder (launched), in an office without accounts
    people::Roles roles = 0;
    bool is_owner() const { return login.empty(); }
};

/// What about a command is looked at besides its name.
enum class Look : std::uint8_t {
    nothing,
    record,    ///< a record of a unit below, or one for all below, is an officer's
    step,      ///< the transition, and the records
    entity,    ///< what kind of record is made
    sheet,     ///< whose records a workbook can write here
    terminal,  ///< names files of this computer, or shows what is nobody's business: never over HTTP
};

struct Rule {
    const char* command;
    people::Roles roles;  ///< any of them
    Look look = Look::nothing;
    bool is_signed = false;  ///< writes commits, which name a person
};

std::span<const Rule> rules();
/// Null: no such command.
const Rule* rule_of(std::string_view command);

/// Errc::denied, with one line that says who may.
Result<> may(Replica& replica, const Who& who, const Command& command);

/// Runs it as that person: asks may(), signs with the name, keeps drafts apart. Errc::usage when nobody's name is
/// given.
Result<boost::json::value> run_as(node::Node& node, const Who& who, Command command);

/// For the screens: what is refused, and why: {"commands":{NAME:LINE},"steps":{…},"entities":{…},"below":LINE or null}.
boost::json::object refusals(Replica& replica, const Who& who);

/// The line that asks for a name; the screens then ask for it.
inline constexpr std::string_view kNoPersonLine = "请先填写您的姓名,再保存 / give your name first, then save";

}  // namespace taizhang::api
