// render_attachments.h - what people at a terminal read about attachments.
#pragma once

#include <boost/json/object.hpp>

#include <string>

namespace taizhang::api {

/// One line: name, size, whether it is here, which levels have it.
std::string render_content(const boost::json::object& content);
std::string render_contents(const boost::json::object& fetched);
std::string render_attached(const boost::json::object& document);
std::string render_file(const boost::json::object& document);
std::string render_files(const boost::json::object& document);
/// The lines of a sync that speak of attachments; nothing when there was nothing.
std::string render_files_synced(const boost::json::object& files);

}  // namespace taizhang::api
