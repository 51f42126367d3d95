// first_enrolment.h - a branch's program that knows no office above yet: asks for its address and a code on a page
// (doorstep.h, mode "new"), so that a PC that comes out of its box needs no terminal.
//
//   POST /api/enrol-here {"token","server","code","fingerprint"}   as the command of that name (enrol_here.h), also
//                        {"token","request"}; an answer's bytes come as a file (doorstep.h)
//   GET  /api/session    also {"fetching","received"}: enrolled, what the unit holds is on its way
//
// Threads: the io_context's.
#pragma once

#include "api/doorstep.h"
#include "api/enrol_here.h"
#include "node/upstream.h"

namespace taizhang::api {

/// Neither enrolled nor a city's own server: there is nothing in this folder to serve.
Result<bool> is_new(node::Node& node);

class FirstEnrolment : public Doorstep {
public:
    FirstEnrolment(Front& front, node::Store& store, std::string dir, const ServeOptions& options);
    /// Until the PC is enrolled and what its unit holds was fetched, or the link broke under that: the program that
    /// serves goes on with it. False: by SIGINT or SIGTERM.
    Result<bool> wait() { return wait_for_answer(); }

private:
    bool is_own(const std::string& path) const override { return path == "/api/enrol-here"; }
    net::awaitable<http::Response> answer(Said said) override;
    boost::json::object news() const override;
    net::awaitable<http::Response> answer_by_file(Said said);
    net::awaitable<void> fetch(std::string url);

    node::Store& store_;
    std::shared_ptr<node::SyncProgress> progress_ = std::make_shared<node::SyncProgress>();
    bool is_asking_ = false, is_fetching_ = false;
};

}  // namespace taizhang::api
