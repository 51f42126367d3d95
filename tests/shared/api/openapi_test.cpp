#include "api/openapi.h"

#include "api/command.h"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

namespace taizhang::api {
namespace {

TEST_CASE("openapi: it has every command that runs, and no other", "[openapi]") {
    const auto known = known_commands();
    std::set<std::string> described;
    for (const auto& s : command_specs()) described.emplace(s.name);
    CHECK(described == std::set<std::string>(known.begin(), known.end()));
}

TEST_CASE("openapi: what writes is a POST, what reads a GET with its arguments in the path", "[openapi]") {
    const auto document = openapi();
    const auto& paths = document.at("paths").as_object();
    CHECK(paths.size() == command_specs().size());
    CHECK(paths.at("/api/show/{id}").as_object().contains("get"));
    CHECK_FALSE(paths.at("/api/show/{id}").as_object().contains("post"));
    const auto& options = paths.at("/api/report")
                              .at("post")
                              .at("requestBody")
                              .at("content")
                              .at("application/json")
                              .at("schema")
                              .at("properties")
                              .at("options")
                              .at("properties")
                              .as_object();
    for (const char* name : {"value", "text", "extra", "claim-complete", "no-change", "person"})
        CHECK(options.contains(name));
    for (const auto& [path, item] : paths) {
        INFO(path);
        const auto& o = item.as_object();
        const auto name = std::string(o.begin()->value().at("operationId").as_string());
        CHECK(o.contains(writes(name) ? "post" : "get"));
        CHECK(o.begin()->value().at("responses").as_object().contains("200"));
    }
}

}  // namespace
}  // namespace taizhang::api
