// embedded.h - the texts that the programs carry, so that they start from anywhere.
#pragma once

#include <string_view>

namespace taizhang::embedded {

extern const std::string_view ledger_catalog;  ///< schema/ledger.toml
/// schema/engine/NN-*.sql: a new database runs all of them, an older one those that it has not run yet.
extern const std::string_view engine_schema_1, engine_schema_2, engine_schema_3, engine_schema_4, engine_schema_5,
    engine_schema_6, engine_schema_7, engine_schema_8;

}  // namespace taizhang::embedded
