#include "api/quota.h"

#include "wire/file_messages.h"
#include "wire/messages.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace taizhang::api {

Result<> Quota::take(const std::string& device, std::size_t size, std::int64_t now_ms) {
    auto [it, is_new] = left_.try_emplace(device);
    auto& left = it->second;
    const double seconds = is_new ? 0 : std::max(0.0, static_cast<double>(now_ms - left.at_ms) / 1000);
    left.at_ms = is_new ? now_ms : std::max(left.at_ms, now_ms);
    left.requests = std::min(kRequests.most, left.requests + seconds * kRequests.per_second);
    left.bytes = std::min(kBytes.most, left.bytes + seconds * kBytes.per_second);
    const auto bytes = static_cast<double>(size);
    if (left.requests >= 1 && left.bytes >= bytes) {
        left.requests -= 1;
        left.bytes -= bytes;
        return {};
    }
    const double wait = std::max((1 - left.requests) / kRequests.per_second, (bytes - left.bytes) / kBytes.per_second);
    const auto n = std::to_string(static_cast<std::int64_t>(std::ceil(std::max(wait, 1.0))));
    return fail(Errc::busy, "这台电脑的请求太密,请 " + n +
                                " 秒后再试;本机的记录都在 / this device asks too often: try "
                                "again in " +
                                n + " s; nothing of it is lost");
}

Result<> admit(sync::Hub& hub, std::string_view message, Quota& quota) {
    std::string token;
    wire::SyncRequest sync;
    wire::FileRequest files;
    const char kind = message.empty() ? '\0' : message.front();
    if (kind == 'q' && wire::decode(message, sync)) token = std::move(sync.token);
    if (kind == 'c' && wire::decode(message, files)) token = std::move(files.token);
    if (token.empty() || !hub.device_of(token)) return {};
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return quota.take(token, message.size(), std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

}  // namespace taizhang::api
