// catalogs.h - the catalogs of a simulated city, and what each later version changes.
//
// Small entities that between them use every rule, a workflow with frozen groups, ids of
// both kinds and natural keys; some worlds carry the real catalog beside them. A later version
// does what the city may do from afar: fields in the middle, other rules and owners,
// more frozen groups, a state at the end, a new entity.
#pragma once

#include <string>

namespace taizhang::sim {

inline constexpr int kCatalogVersions = 3;

/// `version` from 1 to kCatalogVersions.
std::string catalog_text(int version, bool with_ledger);

}  // namespace taizhang::sim
