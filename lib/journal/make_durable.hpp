// Making sure of what another process may have left in the page cache only.
#pragma once

#include "journal/journal_scan.hpp"

namespace postoffice::journal {

/// What was found in the segment is on stable storage afterwards, or false. A sync would not do:
/// where one has failed before, in a process that is gone, the kernel calls pages clean that never
/// reached the disk (https://lwn.net/Articles/752063/). So what counts is written again, to a new
/// file, which then takes the place of the old one. Only if there is no room for it, a sync must
/// do. A crash at any point leaves one of the two. The new file is only as large as what is in it.
bool make_durable(const Storage& storage, Segment& segment);

/// The same for a segment whose name is gone, from the file that is still open.
std::error_code write_back(const Storage& storage, File& from, Segment& segment);

}  // namespace postoffice::journal
