#include "ledger/sheet_columns.h"

#include <array>

namespace taizhang::ledger {
namespace {

using K = ColumnKind;

const std::vector<SheetColumn>& assignment_columns() {
    static const std::vector<SheetColumn> c = {
        {"序号", "", K::serial, 6, false, false, {"编号序号", "NO", "NO."}},
        {"任务名称", "title", K::text, 30, true, false, {"任务", "工作任务", "重点任务", "任务事项", "工作事项"}},
        {"任务来源", "source", K::text, 18, true, false, {"来源"}},
        {"目标要求", "requirement", K::text, 34, true, false, {"任务要求", "工作要求", "目标任务"}},
        {"牵头单位", "lead_unit_id", K::unit, 16, true, false, {"牵头部门"}},
        {"责任领导", "responsible_leader", K::text, 14, true, false, {"牵头领导", "分管领导"}},
        {"责任单位",
         "unit_id",
         K::unit,
         18,
         false,
         false,
         {"单位", "单位名称", "承办单位", "落实单位", "支部名称", "党支部"}},
        {"责任人", "responsible_person", K::text, 10, false, false, {"具体责任人", "承办人"}},
        {"配合单位", "cooperating_units", K::units, 16, true, false, {"协办单位", "配合部门"}},
        {"完成时限", "deadline", K::date, 12, false, false, {"时限", "完成时间", "截止时间", "截止日期", "办结时限"}},
        {"进展情况", "", K::report, 34, false, false, {"工作进展", "进展", "推进情况", "当前进展"}},
        {"完成率", "", K::rate, 9, false, false, {"完成比例", "完成进度", "进度"}},
        {"存在问题", "problems", K::text, 24, false, false, {"存在的问题", "问题"}},
        {"下步打算", "next_steps", K::text, 24, false, false, {"下一步打算", "下步计划", "下一步工作打算"}},
        {"状态", "", K::derived, 10, false, false, {"办理状态", "任务状态"}},
        {"预警", "", K::shown, 10, false, false, {"预警状态", "红黄绿灯", "亮灯"}},
        {"备注", "remark", K::text, 16},
        {"编号", "", K::id, 12, false, true, {"id", "记录编号", "分解编号"}},
    };
    return c;
}

const std::vector<SheetColumn>& rectification_columns() {
    static const std::vector<SheetColumn> c = {
        {"序号", "", K::serial, 6, false, false, {"NO", "NO."}},
        {"问题来源", "source_type", K::text, 14, false, false, {"来源"}},
        {"反馈时间", "found_at", K::date, 12, false, false, {"反馈日期", "发现时间", "交办时间"}},
        {"具体问题",
         "problem",
         K::text,
         34,
         false,
         false,
         {"问题", "存在问题", "存在的问题", "问题描述", "问题内容", "反馈问题"}},
        {"问题类别", "category", K::text, 12, false, false, {"问题类型", "类别"}},
        {"整改类型", "rectify_type", K::text, 12, false, false, {"整改方式"}},
        {"整改目标", "goal", K::text, 20, false, false, {"目标"}},
        {"整改措施", "measures", K::lines, 34, false, false, {"措施", "具体措施"}},
        {"责任领导", "responsible_leader", K::text, 12, false, false, {"牵头领导", "分管领导"}},
        {"责任单位",
         "responsible_unit_id",
         K::unit,
         18,
         false,
         false,
         {"单位", "单位名称", "整改单位", "整改责任单位", "支部名称"}},
        {"责任人", "responsible_person", K::text, 12, false, false, {"具体责任人", "整改责任人"}},
        {"完成时限", "deadline", K::date, 12, false, false, {"整改时限", "时限", "完成时间", "截止时间", "截止日期"}},
        {"整改进展", "progress", K::text, 28, false, false, {"进展", "进展情况", "整改情况", "整改进展情况"}},
        {"整改成效", "result_text", K::text, 28, false, false, {"成效", "整改结果", "整改完成情况"}},
        {"佐证材料", "evidence", K::lines, 18, false, false, {"佐证", "印证材料"}},
        {"验收标准", "acceptance_standard", K::text, 20, false, false, {"销号标准"}},
        {"初审意见", "", K::derived, 14},
        {"复审意见", "", K::derived, 14},
        {"终审意见", "", K::derived, 14},
        {"是否销号", "", K::derived, 9, false, false, {"销号情况", "是否完成", "是否整改到位"}},
        {"销号时间", "", K::derived, 12, false, false, {"销号日期"}},
        {"备注", "remark", K::text, 16},
        {"未整改到位原因", "unfinished_reason", K::text, 24, false, true, {"未到位原因", "未完成原因"}},
        {"下一步计划", "next_plan", K::text, 24, false, true, {"下步计划", "下一步打算", "下步打算"}},
        {"预计完成时间", "expected_done_at", K::date, 12, false, true, {"预计完成时限"}},
        {"编号", "", K::id, 12, false, true, {"id", "记录编号", "问题编号"}},
    };
    return c;
}

const std::vector<SheetColumn>& attendance_columns() {
    static const std::vector<SheetColumn> c = {
        {"序号", "", K::serial, 6},
        {"单位", "unit_id", K::unit, 24, false, false, {"单位名称", "参会单位"}},
        {"应到人员及职务", "expected", K::text, 22, false, false, {"应到人员", "应到"}},
        {"实到人员及职务", "actual", K::person, 24, false, false, {"实到人员", "实到", "参会人员"}},
        {"到会情况", "status", K::text, 12, false, false, {"到会", "参会情况"}},
        {"迟到(分钟)", "late_min", K::integer, 10, false, false, {"迟到", "迟到分钟", "迟到时间"}},
        {"请假审批", "leave_approved", K::flag, 10, false, false, {"请假是否批准", "是否批假"}},
        {"备注", "remark", K::text, 20},
        {"编号", "", K::id, 12, false, true, {"id", "记录编号"}},
    };
    return c;
}

constexpr std::array<std::array<std::string_view, 3>, 3> kKinds = {{
    {"assignments", "任务台账", "assignment"},
    {"rectifications", "问题整改台账", "rectification"},
    {"attendance", "调度会签到表", "attendance"},
}};

/// U+FF01 to U+FF5E are the ASCII characters, wide.
std::string narrow(std::string_view s) {
    std::string out;
    out.reserve(s.size());
    for (std::size_t i = 0; i < s.size();) {
        const auto at = [&](std::size_t k) { return i + k < s.size() ? static_cast<unsigned char>(s[i + k]) : 0u; };
        if (at(0) == 0xef && (at(1) == 0xbc || at(1) == 0xbd)) {
            const auto code = (at(1) - 0xbc) * 64 + at(2) - 0x80;
            if (code >= 0x01 && code <= 0x5e) {
                out.push_back(static_cast<char>(0x20 + code));
                i += 3;
                continue;
            }
        }
        if (at(0) == 0xe3 && at(1) == 0x80 && at(2) == 0x80) {
            out.push_back(' ');
            i += 3;
            continue;
        }
        if (at(0) == 0xc2 && at(1) == 0xa0) {  // no-break space
            out.push_back(' ');
            i += 2;
            continue;
        }
        out.push_back(s[i++]);
    }
    return out;
}

}  // namespace

std::span<const SheetColumn> columns_of(SheetKind kind) {
    switch (kind) {
        case SheetKind::assignments: return assignment_columns();
        case SheetKind::rectifications: return rectification_columns();
        case SheetKind::attendance: break;
    }
    return attendance_columns();
}

std::string_view name_of(SheetKind kind) { return kKinds[static_cast<std::size_t>(kind)][0]; }
std::string_view title_of(SheetKind kind) { return kKinds[static_cast<std::size_t>(kind)][1]; }
std::string_view entity_of(SheetKind kind) { return kKinds[static_cast<std::size_t>(kind)][2]; }

bool find_kind(std::string_view name, SheetKind& out) {
    for (std::size_t i = 0; i < kKinds.size(); ++i)
        for (const auto& n : kKinds[i])
            if (n == name) {
                out = static_cast<SheetKind>(i);
                return true;
            }
    return false;
}

std::string plain_text(std::string_view text) {
    auto s = narrow(text);
    constexpr const char* blanks = " \t\r\n";
    const auto from = s.find_first_not_of(blanks);
    if (from == std::string::npos) return {};
    return s.substr(from, s.find_last_not_of(blanks) - from + 1);
}

std::string folded_text(std::string_view text) {
    auto s = narrow(text);
    std::erase_if(s, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
    for (auto& c : s)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    return s;
}

int column_named(SheetKind kind, std::string_view title) {
    auto wanted = folded_text(title);
    while (!wanted.empty() && (wanted.front() == '*' || wanted.front() == '#')) wanted.erase(0, 1);
    if (wanted.empty()) return -1;
    const auto columns = columns_of(kind);
    // As it is; then without what stands behind it in brackets: 完成时限(年月日).
    for (int pass = 0; pass < 2; ++pass) {
        for (std::size_t i = 0; i < columns.size(); ++i) {
            if (folded_text(columns[i].title) == wanted) return static_cast<int>(i);
            for (const auto& a : columns[i].also)
                if (folded_text(a) == wanted) return static_cast<int>(i);
        }
        const auto bracket = wanted.find('(');
        if (bracket == std::string::npos || bracket == 0) return -1;
        wanted.resize(bracket);
    }
    return -1;
}

}  // namespace taizhang::ledger
