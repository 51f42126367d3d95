// files_upstream.h - contents of attachments to and from the hub above, over HTTP, after the rows.
#pragma once

#include "files/file_session.h"
#include "http/http.h"
#include "node/store.h"

#include <functional>

namespace taizhang::node {

struct FileReport {
    files::FileSession::Stats stats;
    std::uint64_t cuts = 0;                      ///< links that dropped while it went on
    std::uint64_t left = 0;                      ///< contents that the hub should get and does not have yet
    std::uint64_t bytes_up = 0, bytes_down = 0;  ///< on the socket
};

struct FileOptions {
    bool poll = true;            ///< ask for news although there is nothing to send or to fetch
    std::function<bool()> hold;  ///< rows are being synced: they go first
};

/// Sends and fetches until nothing is left that can move. A link that drops is taken up again at once as long as
/// something got through since the last drop; what was confirmed is never sent again. Errc::offline when nothing gets
/// through any more.
net::awaitable<Result<FileReport>> sync_files(Store& store, net::io_context& io, std::shared_ptr<http::Client> client,
                                              FileOptions options);

}  // namespace taizhang::node
