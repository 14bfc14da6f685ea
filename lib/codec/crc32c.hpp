// CRC-32C (Castagnoli), with the processor's instruction where there is one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace postoffice::codec {

/// The checksum of `data` that follows data whose checksum is `before`.
std::uint32_t crc32c(std::span<const std::byte> data, std::uint32_t before = 0) noexcept;

/// The two implementations, for the tests that compare them.
std::uint32_t crc32c_portable(std::span<const std::byte> data, std::uint32_t before = 0) noexcept;
bool has_crc32c_instruction() noexcept;
/// Only where has_crc32c_instruction(); elsewhere the portable one.
std::uint32_t crc32c_instruction(std::span<const std::byte> data,
                                 std::uint32_t before = 0) noexcept;

}  // namespace postoffice::codec
