#include "postoffice/histogram.hpp"

#include <cassert>
#include <cstddef>

namespace postoffice {

Histogram& Histogram::operator+=(const Histogram& other) {
  if (other.bounds.empty()) return *this;
  if (bounds.empty()) return *this = other;
  assert(bounds == other.bounds);
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
  sum += other.sum;
  count += other.count;
  return *this;
}

}  // namespace postoffice
