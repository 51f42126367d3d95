// news.h - what a poke says: how far a hub has got. Its devices ask for the rest by an ordinary sync.
//
// Threads: store thread only.
#pragma once

#include "replica/replica.h"

#include <string>
#include <string_view>
#include <vector>

namespace taizhang::sync {

/// A hub's numbering of its log, of the control log, and of what it knows of the levels above.
struct NewsPlace {
    std::uint64_t log = 0, control = 0, acks = 0;
};

Result<NewsPlace> news_place(Replica& hub);

/// Which of these units' devices have something to fetch that was not there at `from`.
Result<std::vector<bool>> has_news(Replica& hub, const NewsPlace& from, const std::vector<std::string>& units);

/// A few bytes.
std::string encode_poke(const NewsPlace& place);
/// Whether a poke says more than the last sync brought. What cannot be read says so, too: asking costs little.
Result<bool> is_news(Replica& device, std::string_view poke);

}  // namespace taizhang::sync
