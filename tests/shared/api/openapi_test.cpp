#include "api/openapi.h"

#include "api/answers.h"
#include "api/command.h"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

namespace taizhang::api::openapi_test {
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

TEST_CASE("openapi: it says of every command what it answers with", "[openapi]") {
    std::set<std::string> described;
    for (const auto& a : answer_specs()) {
        INFO(a.name);
        CHECK(described.emplace(a.name).second);
        CHECK_FALSE(answer_schema(a.name).empty());
    }
    for (const auto& s : command_specs()) {
        INFO(s.name);
        CHECK(described.contains(std::string(s.name)));
    }
    CHECK(described.size() == command_specs().size());
    CHECK(answer_schema("nothing").empty());
    // No part that nobody uses.
    std::string all;
    for (const auto& specs : {answer_specs(), answer_parts()})
        for (const auto& a : specs) all += std::string(a.shape) + "\n";
    for (const auto& p : answer_parts()) {
        INFO(p.name);
        CHECK(all.find(p.name) != std::string::npos);
    }
    CHECK(answer_part_schemas().size() == answer_parts().size());
}

TEST_CASE("openapi: the notation of answers as schemas", "[openapi]") {
    const auto devices = answer_schema("devices");
    CHECK(devices.at("type").as_string() == "array");
    const auto& one = devices.at("items").as_object();
    CHECK(one.at("properties").at("revoked").at("type").as_string() == "boolean");
    CHECK(one.at("required").as_array().size() == 6);
    const auto pulse = answer_schema("pulse");
    CHECK(pulse.at("properties").at("last_sync").at("nullable").as_bool());
    CHECK_FALSE(pulse.at("properties").at("now").as_object().contains("nullable"));
    const auto paper = answer_schema("circular-docx");
    const auto& needed = paper.at("required").as_array();
    CHECK(std::find(needed.begin(), needed.end(), "record") != needed.end());
    CHECK(std::find(needed.begin(), needed.end(), "file") == needed.end());
    CHECK(answer_schema("person").at("anyOf").as_array().size() == 2);
    CHECK(answer_schema("drafts").at("additionalProperties").at("type").as_string() == "string");
    CHECK(answer_schema("report").at("$ref").as_string() == "#/components/schemas/Saved");
    const auto parts = answer_part_schemas();
    CHECK(parts.at("Conflict").at("properties").at("winner").at("allOf").as_array().size() == 1);
    CHECK(parts.at("Conflict").at("properties").at("winner").at("nullable").as_bool());
}

}  // namespace
}  // namespace taizhang::api::openapi_test
