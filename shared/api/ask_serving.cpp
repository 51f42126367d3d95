#include "api/serve.h"

#include "node/process.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <boost/json.hpp>

#include <string>

namespace taizhang::api {

namespace json = boost::json;
namespace net = boost::asio;
using local = net::local::stream_protocol;

std::optional<Result<json::value>> ask_serving(const std::string& dir, const Command& command) {
    const node::SocketPath path(dir);
    net::io_context io;
    local::socket socket(io);
    boost::system::error_code ec;
    socket.connect(local::endpoint(path.path()), ec);
    if (ec) return std::nullopt;
    net::write(socket, net::buffer(command.encode() + "\n"), ec);
    std::string answer;
    if (!ec) net::read_until(socket, net::dynamic_buffer(answer), '\n', ec);
    if (ec && answer.empty())
        return Result<json::value>(
            fail(Errc::busy, "正在运行的程序没有答复,请稍后再试 / the running program does not answer, try again"));
    boost::system::error_code bad;
    const auto v = json::parse(answer, bad);
    if (bad || !v.is_object())
        return Result<json::value>(
            fail(Errc::protocol, "正在运行的程序答复有误 / the running program's answer makes no sense"));
    const auto& o = v.as_object();
    if (const auto* e = o.if_contains("error")) {
        Error error;
        error.detail = std::string(e->at("line").as_string());
        const auto code = e->at("code").as_string();
        for (int i = 0; i <= static_cast<int>(Errc::internal); ++i)
            if (taizhang::name_of(static_cast<Errc>(i)) == std::string_view(code)) error.code = static_cast<Errc>(i);
        return Result<json::value>(std::move(error));
    }
    return Result<json::value>(o.at("document"));
}

}  // namespace taizhang::api
