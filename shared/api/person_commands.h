// person_commands.h - `person`: the accounts of this office.
#pragma once

#include "api/command.h"

namespace taizhang::api {

/// person list | add LOGIN | role LOGIN | name LOGIN | password LOGIN | remove LOGIN; options role, name, password.
Result<boost::json::value> person(node::Node& node, const Command& command);
/// The same for people.
std::string render_person(const Command& command, const boost::json::value& document);

/// Whether that form of the command wants a password, so that the terminal asks for one.
bool wants_password(const Command& command);

}  // namespace taizhang::api
