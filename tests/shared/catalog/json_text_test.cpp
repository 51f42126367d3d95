#include "catalog/json_text.h"

#include "catalog/catalog.h"
#include "tests/support/good.h"

#include <catch2/catch.hpp>

namespace taizhang::json_text_test {
namespace {

TEST_CASE("json text: an escape is the character that it means", "[catalog]") {
    CHECK(without_json_escapes(R"(["a\u4e2d\n\"b\\u0007"])") == "[\"a中\n\"b\\u0007\"]");
    CHECK(without_json_escapes(R"( {"a":"\u0007\b\f\u001B"})") == " {\"a\":\"\a\b\f\x1b\"}");
    CHECK(without_json_escapes("[1,\r\n2]") == "[1,\n\n2]");
    // Broken ones are left as they are, and so are words that are no JSON.
    CHECK(without_json_escapes(R"(["\u12)") == "[\"u12");
    CHECK(without_json_escapes("[\"\\") == "[\"\\");
    CHECK(without_json_escapes(R"(C:\u0007)") == R"(C:\u0007)");
    CHECK(without_json_escapes("").empty());
}

TEST_CASE("a value of type json: control characters and markings are refused behind escapes too", "[catalog]") {
    Field f;
    f.name = "measures";
    f.label = {"整改措施", "measures"};
    f.type = Type::json;
    f.length_max = 1000;
    const auto refusal = [&](const char* text) {
        const auto r = check_value(f, Value::text(text).view());
        return r ? std::string() : r.error().detail;
    };
    CHECK(refusal(R"(["一、逐户走访\n二、\t建账","C:\\u0007"])").empty());
    CHECK(refusal("分三批走").empty());
    for (const char* bad : {R"(["\u0007"])", R"(["\b"])", R"({"a":"\u001b[2J"})", "[\"\x01\"]", R"("\u0000")"}) {
        INFO(bad);
        CHECK(refusal(bad).find("含有控制字符") != std::string::npos);
    }
    CHECK(refusal(R"(["\u79d8\u5bc6\u26051年"])").find("涉密标记") != std::string::npos);
}

}  // namespace
}  // namespace taizhang::json_text_test
