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

Strangers::Place& Strangers::place_of(const std::string& address, std::int64_t now_ms) {
    const auto has_room = [&] { return places_.size() < kAddressesMax || places_.contains(address); };
    if (!has_room())  // those that have been quiet for long are as good as new
        std::erase_if(places_, [&](const auto& p) {
            return now_ms - p.second.at_ms > kKnownMs && p.second.known_until_ms < now_ms;
        });
    auto [it, is_new] = places_.try_emplace(has_room() ? address : std::string("*"));
    auto& p = it->second;
    const double seconds = is_new ? 0 : std::max(0.0, static_cast<double>(now_ms - p.at_ms) / 1000);
    p.at_ms = is_new ? now_ms : std::max(p.at_ms, now_ms);
    p.left = std::min(kRequests.most, p.left + seconds * kRequests.per_second);
    return p;
}

Result<> Strangers::let_speak(const std::string& address, std::int64_t now_ms) {
    if (address.empty()) return {};
    const auto& p = place_of(address, now_ms);
    if (p.left >= 1 || p.known_until_ms > now_ms) return {};
    const auto n = std::to_string(static_cast<std::int64_t>(std::ceil((1 - p.left) / kRequests.per_second)));
    return fail(Errc::busy, "从这个网络地址来的请求太密,而且不是已登记的电脑,请 " + n +
                                " 秒后再试 / too many requests from this address by no enrolled device: try again in " +
                                n + " s");
}

void Strangers::heard(const std::string& address, bool is_device, std::int64_t now_ms) {
    if (address.empty()) return;
    auto& p = place_of(address, now_ms);
    if (is_device)
        p.known_until_ms = now_ms + kKnownMs;
    else
        p.left = std::max(0.0, p.left - 1);
}

std::string network_of(const std::string& peer) {
    if (peer.starts_with("127.") || peer == "::1") return {};
    std::size_t end = 0;
    for (int groups = 0; groups < 4 && end != std::string::npos; ++groups) end = peer.find(':', end + 1);
    return peer.substr(0, std::min(end, peer.find("::")));
}

Result<> admit(sync::Hub& hub, std::string_view message, const std::string& address, Quota& quota,
               Strangers& strangers) {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
    TRY_VOID(strangers.let_speak(address, now));
    std::string token;
    wire::SyncRequest sync;
    wire::FileRequest files;
    const char kind = message.empty() ? '\0' : message.front();
    if (kind == 'q' && wire::decode(message, sync)) token = std::move(sync.token);
    if (kind == 'c' && wire::decode(message, files)) token = std::move(files.token);
    const bool is_device = !token.empty() && hub.device_of(token).has_value();
    strangers.heard(address, is_device, now);
    return is_device ? quota.take(token, message.size(), now) : Result<>();
}

}  // namespace taizhang::api
