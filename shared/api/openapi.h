// openapi.h - the JSON API described for machines: OpenAPI 3.0, at /api/openapi.
//
// One path for each command, made from the table that also says what each takes. A
// test compares it with the commands that run and with the terminal's --help.
#pragma once

#include <boost/json/object.hpp>

#include <span>
#include <string_view>

namespace taizhang::api {

/// What a command takes. Names as on the command line; options are parted by blanks.
struct CommandSpec {
    std::string_view name, summary;
    std::string_view
        args;  ///< "id", "task unit…": a name with … may be there any number of times, [name] may be absent
    std::string_view options;  ///< "value text claim-complete!": with ! a flag
};

std::span<const CommandSpec> command_specs();
boost::json::object openapi();

}  // namespace taizhang::api
