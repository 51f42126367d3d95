// answers.h - what each command answers with, as schemas for the OpenAPI description.
//
// Written down in a short notation (answers.cpp) and not taken from the code that makes the answers: a test calls every
// command and holds what really came to it, so neither changes without the other.
#pragma once

#include <boost/json/object.hpp>

#include <span>
#include <string_view>

namespace taizhang::api {

/// What a command answers with, or a part that several answers have.
struct AnswerSpec {
    std::string_view name, shape;
};

std::span<const AnswerSpec> answer_specs();
std::span<const AnswerSpec> answer_parts();

/// The schema of a command's answer; empty when there is no such command.
boost::json::object answer_schema(std::string_view command);
/// The parts, by name, for `components`.
boost::json::object answer_part_schemas();

}  // namespace taizhang::api
