// embedded.h - the texts that the programs carry, so that they start from anywhere.
#pragma once

#include <string_view>

namespace taizhang::embedded {

extern const std::string_view ledger_catalog;  ///< schema/ledger.toml
extern const std::string_view engine_schema;   ///< schema/engine/10-log.sql

}  // namespace taizhang::embedded
