#include "api/new_file.h"

#include "node/data_dir.h"

namespace taizhang::api {

Result<> check_is_new(const std::string& path) {
    if (!node::exists(path)) return {};
    return fail(Errc::not_allowed,
                "已有这个文件,没有覆盖:" + path + " / this file exists, it was left as it is: " + path);
}

}  // namespace taizhang::api
