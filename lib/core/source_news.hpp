// Keeps what the newest fetches say about the source, for people: nothing is decided by it.
#pragma once

#include <cstdint>

#include "postoffice/fetch_news.hpp"
#include "postoffice/object_source.hpp"

namespace postoffice::core {

class SourceNews {
 public:
  /// `first`: the id had not been tried before.
  void answered(bool first, Timestamp began, Timestamp now);
  void failed(ObjectId id, bool first, const FetchResult& result, Timestamp now);

  const FetchNews& news() const { return news_; }

 private:
  void note_first(bool failed);

  FetchNews news_;
  std::uint32_t firsts_ = 0;  // a bit for each of the newest; 1: it failed
};

}  // namespace postoffice::core
