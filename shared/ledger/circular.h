// circular.h - a circular (通报): composed from chosen findings, numbered, as a document.
//
// Nobody is asked for a summary: the text comes from records that are there. It names units, each
// with the problem or finding it is named for, and links the record; so a named unit finds it in its to-do
// list with what it has to do. The composed text is an ordinary field, to be edited by `set`.
// Threads: store thread only.
#pragma once

#include "ledger/ledger.h"
#include "office/docx_writer.h"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace taizhang::ledger {

class StoredFacts;

struct CircularInput {
    bool special = false;                               ///< 专项通报; otherwise 综合通报
    std::vector<std::string> about;                     ///< ids of rectifications, verifications, assignments, units
    std::string issuer, title, period, number, demand;  ///< empty: made from what there is
    std::string text;                                   ///< the whole text, where somebody wrote it himself
    /// Which figures of the issuer's scope stand at the head; without it those that always did (kCircularFigures).
    std::optional<std::set<std::string>> figures;
    std::string person;
    StoredFacts* facts = nullptr;  ///< of a program that keeps them; otherwise all records are read for the figures
};

/// The names of the figures that a circular can give: "checked", "mean" and those of docs/METRICS.md.
inline constexpr const char* kCircularFigures[] = {"checked", "mean", "G1", "G3", "G4", "D1", "D2", "D4"};

/// Writes the record. Errc::not_found: an id that is no such record; usage: nobody is named.
Result<Saved> compose_circular(Replica& r, const CircularInput& input);

/// 〔2025〕: the next number of that year among the circulars that are here; one series for both kinds.
Result<int> next_number(Replica& r, const std::string& year);

/// The document of a circular; one without a text gets it from the units that it names. `facts` as in CircularInput.
Result<office::Document> circular_document(Replica& r, const std::string& id, StoredFacts* facts = nullptr);

/// Circulars that name `unit` and still ask something of it: the problem is not closed, or, where none is linked, it
/// was issued in the last two months. As items of the to-do list.
Result<boost::json::array> circulars_naming(Replica& r, const std::string& unit);

/// The city's general circular (综合通报) about the two months that ended last, where it is not there yet: one item of
/// the to-do list of the city's own office, or none.
Result<boost::json::array> circular_due(Replica& r);

}  // namespace taizhang::ledger
