// burden.h - the meter of forms and fields that offices ask of branches, and asking once.
// Threads: store thread only.
#pragma once

#include "ledger/rows.h"
#include "ledger/stored_facts.h"

#include <boost/json/object.hpp>

#include <optional>
#include <string>

namespace taizhang::ledger {

inline constexpr int kFieldsOfAReport = 2;  ///< value and text, where the issuer did not say

/// Forms that a task of that frequency asks for in a month (1 to 12): each week (4), month, two months, quarter, half
/// year, year; without one, once, in the month of its deadline.
int forms_in_month(const std::string& frequency, const std::string& deadline, const std::string& month);

/// What was asked of the branches of `unit` in `month` ("2025-11"): {"month","by_issuer":[…],"by_branch":[…],
/// "forms","fields","branches","forms_per_branch","more"}; of the branches the slice, those asked most first. Each form
/// and field is charged to the office that issued the task.
Result<boost::json::object> burden(StoredFacts& facts, const std::string& unit, const std::string& month,
                                   const Slice& slice = {});
/// For a program that asks once.
Result<boost::json::object> burden(Replica& r, const std::string& unit, const std::string& month,
                                   const Slice& slice = {});

/// A task that already asks for the same indicator in the same unit of measure over the same period.
/// One that reads another's answers asks nobody. `except`: not this one.
Result<std::optional<std::string>> asked_already(Replica& r, const std::string& indicator, const std::string& measure,
                                                 const std::string& period, const std::string& issued_at,
                                                 const std::string& except = {});

}  // namespace taizhang::ledger
