#include "api/hashing.h"

#include "trust/password.h"

#include <memory>

namespace taizhang::api {
namespace {

// Strangers wait for at most that many before them (about half a second); more: a flood makes people wait longer.
constexpr std::size_t kStrangersMax = 8, kWaitingMax = 32;

}  // namespace

net::awaitable<Hashing::Verdict> Hashing::check(std::string hash, std::string password, bool is_known) {
    if (waiting_ >= (is_known ? kWaitingMax : kStrangersMax)) co_return Verdict::busy;
    ++waiting_;
    const auto is_right = std::make_shared<bool>(false);
    auto work = [is_right, h = std::move(hash), p = std::move(password)] { *is_right = trust::is_password(h, p); };
    auto checking = thread_.run(std::move(work));
    co_await std::move(checking);
    --waiting_;
    co_return *is_right ? Verdict::right : Verdict::wrong;
}

}  // namespace taizhang::api
