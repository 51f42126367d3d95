#include "api/export_city.h"

#include "api/new_file.h"
#include "ledger/export_city.h"
#include "node/data_dir.h"

#include <boost/json.hpp>

#include <fstream>

namespace taizhang::api {

namespace json = boost::json;

Result<json::value> export_city(node::Node& n, const Command& c) {
    const auto& path = c.args[0];
    TRY_VOID(check_is_new(path));
    const auto temporary = path + ".new";
    std::int64_t bytes = 0;
    const auto write = [&]() -> Result<ledger::ExportedCity> {
        std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
        const auto cannot = [&] {
            return fail(Errc::io, "不能写文件,请检查磁盘和权限:" + path +
                                      " / cannot write, check the disk and the folder's rights: " + path);
        };
        if (!out) return cannot();
        TRY(auto done, ledger::export_city(n.replica(), [&](std::string_view piece) -> Result<> {
                bytes += static_cast<std::int64_t>(piece.size());
                out.write(piece.data(), static_cast<std::streamsize>(piece.size()));
                return out ? Result<>() : cannot();
            }));
        out.close();
        if (!out) return cannot();
        TRY_VOID(node::sync_and_rename(temporary, path));
        return done;
    };
    const auto done = write();
    if (!done) {
        node::remove_file(temporary);
        return done.error();
    }
    json::object records;
    for (const auto& [list, count] : done->records) records[list] = count;
    return json::value{{"file", path}, {"bytes", bytes}, {"records", std::move(records)}};
}

}  // namespace taizhang::api
