#include "people/roles.h"

#include <array>

namespace taizhang::people {
namespace {

constexpr std::array<RoleWords, 6> kWords = {{{kClerk, "clerk", "文书", "clerk"},
                                              {kSecretary, "secretary", "书记", "secretary"},
                                              {kTownshipOfficer, "township_officer", "乡镇干部", "township officer"},
                                              {kCountyOfficer, "county_officer", "县区干部", "county officer"},
                                              {kCityOfficer, "city_officer", "市级干部", "city officer"},
                                              {kAdministrator, "administrator", "管理员", "administrator"}}};

std::string joined(Roles roles, const char* between, const char* RoleWords::*what) {
    std::string out;
    for (const auto& w : kWords)
        if (roles & w.role) out += (out.empty() ? "" : between) + std::string(w.*what);
    return out;
}

}  // namespace

std::span<const RoleWords> role_words() { return kWords; }

Result<Roles> roles_from(std::string_view list) {
    Roles roles = 0;
    while (!list.empty()) {
        const auto comma = list.find(',');
        const auto name = list.substr(0, comma);
        Roles found = 0;
        for (const auto& w : kWords)
            if (name == w.name) found = w.role;
        if (!found)
            return fail(Errc::usage, "没有这个角色:" + std::string(name.substr(0, 40)) + ",可用:" +
                                         names_of(kEverybody) + " / no such role: " + std::string(name.substr(0, 40)) +
                                         "; there are " + names_of(kEverybody));
        roles |= found;
        list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    }
    if (!roles) return fail(Errc::usage, "请给出角色 --role / give --role");
    return roles;
}

std::string names_of(Roles roles) { return joined(roles, ",", &RoleWords::name); }
std::string zh_of(Roles roles) { return joined(roles, "、", &RoleWords::zh); }
std::string en_of(Roles roles) { return joined(roles, ", ", &RoleWords::en); }

Roles roles_at(Level level) {
    const Roles own = level == Level::township ? Roles{kTownshipOfficer}
                      : level == Level::county ? Roles{kCountyOfficer}
                      : level == Level::city   ? Roles{kCityOfficer}
                                               : 0;
    return kClerk | kSecretary | kAdministrator | own;
}

Result<> check_level(Roles roles, Level level) {
    const auto wrong = roles & ~roles_at(level);
    if (!wrong || level == Level::none) return {};
    return fail(Errc::usage, "本单位这一级没有这个角色:" + zh_of(wrong) + ",可用:" + names_of(roles_at(level)) +
                                 " / there is no " + en_of(wrong) + " at this unit's level; there are " +
                                 names_of(roles_at(level)));
}

}  // namespace taizhang::people
