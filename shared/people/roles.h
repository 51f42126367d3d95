// roles.h - what people are inside an office.
//
// What the office may do follows from its unit's level and is judged by the engine, for ever and by everybody alike.
// A role only narrows that, inside the office and for its screens; which command wants which role is one table,
// api/may.cpp. One person may have several. Threads: any.
#pragma once

#include "base/ids.h"
#include "base/result.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace taizhang::people {

enum Role : std::uint32_t {
    kClerk = 1,            ///< writes drafts and reports of the own unit
    kSecretary = 2,        ///< and applies for close-out, appeals, settles conflicts
    kTownshipOfficer = 4,  ///< the review and what an office asks of those below
    kCountyOfficer = 8,
    kCityOfficer = 16,
    kAdministrator = 32,  ///< accounts, enrolment codes, devices; no records
};
using Roles = std::uint32_t;  ///< bits of Role

inline constexpr Roles kOfficers = kTownshipOfficer | kCountyOfficer | kCityOfficer;
inline constexpr Roles kSigners = kSecretary | kOfficers;
inline constexpr Roles kWriters = kClerk | kSigners;
inline constexpr Roles kEverybody = kWriters | kAdministrator;

struct RoleWords {
    Role role;
    const char* name;  ///< on the command line and in files
    const char *zh, *en;
};
std::span<const RoleWords> role_words();

/// "clerk" or "township_officer,administrator". Errc::usage.
Result<Roles> roles_from(std::string_view list);
std::string names_of(Roles roles);
/// For people: 书记、管理员.
std::string zh_of(Roles roles);
std::string en_of(Roles roles);

/// An officer's role is that of the unit's own level. Errc::usage.
Result<> check_level(Roles roles, Level level);
/// The roles that an office of that level can have.
Roles roles_at(Level level);

}  // namespace taizhang::people
