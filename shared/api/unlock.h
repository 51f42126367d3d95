// unlock.h - a branch's folder whose keys are protected by a passphrase that nobody has given yet: asks for it on a
// page (doorstep.h, mode "locked").
//
//   POST /api/unlock     {"token","passphrase"}: {"unlocked":true}, and soon the mode is another
//
// Nothing of the folder was opened but the file of the key. Wrong tries are slowed like those at a password
// (people/attempts.h). Threads: the io_context's. Design: docs/TRUST.md, "People".
#pragma once

#include "api/doorstep.h"
#include "people/attempts.h"

namespace taizhang::api {

class Unlock : public Doorstep {
public:
    Unlock(Front& front, std::string dir, const ServeOptions& options);
    /// The right passphrase, or an empty one: by SIGINT or SIGTERM.
    Result<std::string> wait();

private:
    bool is_own(const std::string& path) const override { return path == "/api/unlock"; }
    net::awaitable<http::Response> answer(Said said) override;
    http::Response unlock(std::string passphrase);

    people::Attempts attempts_;
    std::string passphrase_;
};

}  // namespace taizhang::api
