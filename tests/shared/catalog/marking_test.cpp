#include "catalog/marking.h"

#include "catalog/catalog.h"

#include <catch2/catch.hpp>

namespace taizhang::marking_test {
namespace {

TEST_CASE("marking: what stands on a classified document is found", "[catalog][marking]") {
    for (const char* text : {"绝密",
                             "秘密",
                             "机密★1年",
                             "秘密★",
                             "绝密★长期",
                             "机 密",
                             "秘　密",
                             "秘密 ★ 5年",
                             "【机密】文件",
                             "(秘密)关于…的报告",
                             "（绝密）",
                             "密级:秘密",
                             "密级：机密",
                             "机密\n关于某事的通知",
                             "关于某事的通知\n秘密",
                             "第一行\n  机密  \n第三行",
                             "机密 关于某事的通知",
                             "秘密：内部情况",
                             "机密级",
                             "秘密级★10年",
                             "此为绝密文件",
                             "[\"秘密\"]",
                             "“机密”"}) {
        INFO(text);
        CHECK(!secrecy_marking(text).empty());
    }
    CHECK(secrecy_marking("编号3 机密★1年") == "机密★");
}

TEST_CASE("marking: ordinary words are no marking", "[catalog][marking]") {
    for (const char* text : {"", "秘密战线", "学习秘密战线英雄事迹", "保守国家秘密和工作秘密", "严守党的秘密。",
                             "不得录入绝密、机密、秘密内容", "商业秘密保护", "机密性要求", "观看《绝密行动》",
                             "密切联系群众", "秘书密集走访", "保密教育", "泄密", "秘密地开展", "涉密文件另行保管",
                             "投票采取秘密写票的方式", "无记名、秘密投票", "密级管理培训"}) {
        INFO(text);
        CHECK(secrecy_marking(text).empty());
    }
}

TEST_CASE("marking: it is refused wherever a value is checked for writing", "[catalog][marking]") {
    Field f;
    f.name = "remark";
    f.label = {"备注", "remark"};
    f.length_max = 100;
    const auto refused = check_value(f, Value::text("【机密】材料").view());
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == Errc::bad_input);
    CHECK(refused.error().detail.find("涉密标记“机密”") != std::string::npos);
    CHECK(check_value(f, Value::text("秘密战线").view()).has_value());
    // What others wrote is judged by the catalog alone.
    CHECK(fits(f, Value::text("【机密】材料").view()));
}

}  // namespace
}  // namespace taizhang::marking_test
