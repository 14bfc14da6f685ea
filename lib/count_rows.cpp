#include <utility>

#include "postoffice/object_reader.hpp"

namespace postoffice {

void ObjectReader::count(CountQuery query, CountDone done) {
  const auto last_of = [limit = query.limit](const auto& rows) {
    return rows.size() == limit && limit > 0 ? std::optional(rows.back().id) : std::nullopt;
  };
  if (query.dead_letters) {
    DeadLetterQuery letters;
    letters.after = query.after;
    letters.limit = query.limit;
    return find_dead_letters(std::move(letters),
                             [last_of, done = std::move(done)](
                                 std::error_code error, const std::vector<DeadLetter>& found) {
                               done(error, {.dead_letters = found.size(), .last = last_of(found)});
                             });
  }
  find({.after = query.after, .limit = query.limit},
       [last_of, done = std::move(done)](std::error_code error, const std::vector<Object>& found) {
         RowCount count;
         for (const Object& object : found) ++(object.online ? count.online : count.offline);
         count.last = last_of(found);
         done(error, count);
       });
}

}  // namespace postoffice
