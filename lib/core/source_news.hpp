// Keeps what the newest fetches say about the source, for people: nothing is decided by it.
#pragma once

#include <cstdint>

#include "postoffice/fetch_news.hpp"
#include "postoffice/object_source.hpp"

namespace postoffice::core {

class SourceNews {
 public:
  void answered(Timestamp began, Timestamp now);
  /// `first`: the id had not been tried before.
  void failed(ObjectId id, bool first, const FetchResult& result, Timestamp now);

  const FetchNews& news() const { return news_; }

 private:
  void note(bool failed);

  FetchNews news_;
  std::uint32_t newest_ = 0;  // a bit for each; 1: it failed
};

}  // namespace postoffice::core
