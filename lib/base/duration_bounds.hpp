// The buckets of the histograms. Who changes them breaks the curves of those who keep such curves.
#pragma once

#include <array>
#include <chrono>

namespace postoffice::bounds {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// Below a millisecond on a good day. After 0.8 s a callback is refused, after 1 s its sender gives
/// up.
inline constexpr std::array<std::chrono::microseconds, 16> quick = {
    microseconds(100),  microseconds(250), microseconds(500),  milliseconds(1),
    microseconds(2500), milliseconds(5),   milliseconds(10),   milliseconds(25),
    milliseconds(50),   milliseconds(100), milliseconds(250),  milliseconds(500),
    milliseconds(800),  seconds(1),        milliseconds(2500), seconds(10)};

/// A source takes 0.3 to 4.3 s; by default a fetch ends after 10 s.
inline constexpr std::array<std::chrono::microseconds, 16> fetch = {
    milliseconds(5),    milliseconds(10),  milliseconds(25),  milliseconds(50),
    milliseconds(100),  milliseconds(250), milliseconds(500), seconds(1),
    seconds(2),         seconds(3),        seconds(4),        seconds(5),
    milliseconds(7500), seconds(10),       seconds(15),       seconds(30)};

/// A transaction takes milliseconds; by default a statement ends after 10 s.
inline constexpr std::array<std::chrono::microseconds, 15> transaction = {
    microseconds(500), milliseconds(1),    microseconds(2500), milliseconds(5),   milliseconds(10),
    milliseconds(25),  milliseconds(50),   milliseconds(100),  milliseconds(250), milliseconds(500),
    seconds(1),        milliseconds(2500), seconds(5),         seconds(10),       seconds(30)};

/// A fetch, a transaction and what they wait for; the default ttl is 30 s.
inline constexpr std::array<std::chrono::microseconds, 20> receipt_to_row = {
    milliseconds(10),  milliseconds(25),   milliseconds(50), milliseconds(100), milliseconds(250),
    milliseconds(500), seconds(1),         seconds(2),       seconds(3),        seconds(4),
    seconds(5),        milliseconds(7500), seconds(10),      seconds(15),       seconds(20),
    seconds(30),       seconds(45),        seconds(60),      seconds(120),      seconds(300)};

}  // namespace postoffice::bounds
