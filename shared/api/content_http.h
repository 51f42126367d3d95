// content_http.h - bytes of attachments for screens on the same PC, beside the JSON API.
//
//   GET  /api/content/HASH              the bytes, as a download with the record's file name
//   POST /api/attach/ID?name=N          body: the bytes, content-type application/octet-stream
//
// Threads: store thread only.
#pragma once

#include "api/command.h"
#include "http/http.h"

namespace taizhang::api {

/// Largest body of an upload: one photo. Larger files are attached by their path.
inline constexpr std::size_t kUploadBytesMax = 8u << 20;

bool is_content_download(const http::Request& request);
bool is_content_upload(const http::Request& request);

Result<http::Response> download_content(node::Node& node, const std::string& hash);
/// As `attach`, with bytes instead of a path.
Result<boost::json::value> upload_content(node::Node& node, const Command& command, const std::string& bytes);

}  // namespace taizhang::api
