#include "tests/support/json_file.h"

#include <boost/json.hpp>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace taizhang::support {

std::optional<boost::json::object> load_json(const std::string& path) {
    std::ifstream in(path);
    if (!in) return std::nullopt;
    std::stringstream text;
    text << in.rdbuf();
    try {
        return boost::json::parse(text.str()).as_object();
    } catch (const std::exception& e) {
        throw std::runtime_error(path + " is not a campaign's file (" + e.what() + "): move it away and begin anew");
    }
}

void save_json(const std::string& path, const boost::json::object& object) {
    const auto part = path + ".part";
    {
        std::ofstream out(part, std::ios::trunc);
        out << boost::json::serialize(object) << "\n";
        if (!out.flush()) throw std::runtime_error(part + " cannot be written: is the disk full?");
    }
    if (std::rename(part.c_str(), path.c_str()) != 0)
        throw std::runtime_error(path + " cannot be replaced: check the folder's rights");
}

}  // namespace taizhang::support
