// sheets.h - Excel and Word: ledgers out and in, circulars as documents.
#pragma once

#include "api/long_command.h"

namespace taizhang::api {

Result<boost::json::value> export_xlsx(node::Node& node, const Command& command);
/// The same in pieces.
std::unique_ptr<LongCommand> export_in_pieces(const Command& command);
Result<boost::json::value> import_xlsx(node::Node& node, const Command& command);
/// Composes a circular from ids of findings.
Result<boost::json::value> circular(node::Node& node, const Command& command);
Result<boost::json::value> circular_docx(node::Node& node, const Command& command);
std::string render_export_xlsx(const boost::json::object& document);
std::string render_circular_docx(const boost::json::object& document);
std::string render_import_xlsx(const boost::json::object& document);

}  // namespace taizhang::api
