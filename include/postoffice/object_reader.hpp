// Seam: reads what is stored, for pages and commands. The pipeline does not need it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "postoffice/object_store.hpp"
#include "postoffice/types.hpp"

namespace postoffice {

struct ObjectQuery {
  std::optional<ObjectId> id{};     ///< just this one
  std::optional<bool> online{};     ///< only those with this status
  std::optional<ObjectId> after{};  ///< ids greater than this
  std::size_t limit = 100;
};

struct DeadLetterQuery {
  std::optional<std::vector<ObjectId>> ids{};  ///< only these, in any order, with duplicates or not
  std::string reason{};                        ///< only those whose reason contains this text
  Timestamp failed_since = Timestamp::min();   ///< only those given up then or later
  std::optional<ObjectId> after{};             ///< ids greater than this
  std::size_t limit = 100;
};

struct CountQuery {
  bool dead_letters = false;        ///< these, or else the objects
  std::optional<ObjectId> after{};  ///< only ids greater than this
  std::size_t limit = 10'000;       ///< that many rows at most
};

/// What some rows that stand next to each other are.
struct RowCount {
  std::uint64_t online = 0;
  std::uint64_t offline = 0;
  std::uint64_t dead_letters = 0;
  std::optional<ObjectId> last{};  ///< the last id counted; nothing: there are no more rows
};

/// Errors and threads as of ObjectStore. A store may answer reads while it does not take writes.
class ObjectReader {
 public:
  using FindDone = std::function<void(std::error_code, std::vector<Object>)>;
  using DeadLettersDone = std::function<void(std::error_code, std::vector<DeadLetter>)>;

  virtual ~ObjectReader() = default;

  /// Rows in rising id.
  virtual void find(ObjectQuery query, FindDone done) = 0;

  /// Dead letters in rising id.
  virtual void find_dead_letters(DeadLetterQuery query, DeadLettersDone done) = 0;

  using CountDone = std::function<void(std::error_code, RowCount)>;

  /// Counts rows, in rising id. Here it finds them; a store that can count without handing them
  /// over does that instead.
  virtual void count(CountQuery query, CountDone done);
};

/// Both; the stores that come with the library are such.
class ReadableObjectStore : public ObjectStore, public ObjectReader {};

}  // namespace postoffice
