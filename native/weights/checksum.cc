#include "weights/checksum.h"

#include <immintrin.h>

#include <array>

namespace octavo {

namespace {
// The polynomial, its bits reversed.
constexpr uint32_t kPolynomial = 0xedb88320;

constexpr std::array<uint32_t, 256> table() {
  std::array<uint32_t, 256> of{};
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t rest = byte;
    for (int bit = 0; bit < 8; bit++) rest = (rest >> 1) ^ (rest & 1 ? kPolynomial : 0);
    of[byte] = rest;
  }
  return of;
}
constexpr auto kTable = table();

uint32_t by_bytes(const uint8_t* data, size_t bytes, uint32_t state) {
  for (size_t i = 0; i < bytes; i++) state = (state >> 8) ^ kTable[(state ^ data[i]) & 0xff];
  return state;
}

#define OCTAVO_PCLMUL __attribute__((target("pclmul,sse4.1")))

constexpr size_t kLane = 16;
constexpr size_t kBlock = 4 * kLane;

OCTAVO_PCLMUL inline __m128i load(const uint8_t* data) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(data));
}

// `lane` moved ahead by the distance that `factors` stand for, added to what is there.
OCTAVO_PCLMUL inline __m128i fold(__m128i lane, __m128i factors, __m128i there) {
  const __m128i low = _mm_clmulepi64_si128(lane, factors, 0x00);
  const __m128i high = _mm_clmulepi64_si128(lane, factors, 0x11);
  return _mm_xor_si128(_mm_xor_si128(low, high), there);
}

// Whole lanes, of at least a block. V. Gopal et al., "Fast CRC Computation for Generic Polynomials Using
// PCLMULQDQ Instruction", Intel 2009; the numbers are powers of x modulo the polynomial from there.
OCTAVO_PCLMUL uint32_t by_lanes(const uint8_t* data, size_t bytes, uint32_t state) {
  const __m128i by_block = _mm_set_epi64x(0x01c6e41596, 0x0154442bd4);
  const __m128i by_lane = _mm_set_epi64x(0x00ccaa009e, 0x01751997d0);
  const __m128i to_64_bits = _mm_set_epi64x(0, 0x0163cd6124);
  const __m128i barrett = _mm_set_epi64x(0x01f7011641, 0x01db710641);
  __m128i lanes[4];
  for (size_t i = 0; i < 4; i++) lanes[i] = load(data + i * kLane);
  lanes[0] = _mm_xor_si128(lanes[0], _mm_cvtsi32_si128(static_cast<int>(state)));
  size_t at = kBlock;
  for (; at + kBlock <= bytes; at += kBlock)
    for (size_t i = 0; i < 4; i++) lanes[i] = fold(lanes[i], by_block, load(data + at + i * kLane));
  __m128i sum = lanes[0];
  for (size_t i = 1; i < 4; i++) sum = fold(sum, by_lane, lanes[i]);
  for (; at < bytes; at += kLane) sum = fold(sum, by_lane, load(data + at));
  // 128 bits to 64, these to 32.
  const __m128i low_words = _mm_setr_epi32(-1, 0, -1, 0);
  sum = _mm_xor_si128(_mm_srli_si128(sum, 8), _mm_clmulepi64_si128(sum, by_lane, 0x10));
  const __m128i upper = _mm_srli_si128(sum, 4);
  sum = _mm_xor_si128(upper, _mm_clmulepi64_si128(_mm_and_si128(sum, low_words), to_64_bits, 0x00));
  const __m128i quotient = _mm_clmulepi64_si128(_mm_and_si128(sum, low_words), barrett, 0x10);
  const __m128i rest = _mm_clmulepi64_si128(_mm_and_si128(quotient, low_words), barrett, 0x00);
  return static_cast<uint32_t>(_mm_extract_epi32(_mm_xor_si128(sum, rest), 1));
}
}  // namespace

uint32_t crc32(const void* data, size_t bytes, uint32_t before) {
  const auto* from = static_cast<const uint8_t*>(data);
  uint32_t state = ~before;
  size_t done = 0;
  if (bytes >= kBlock && __builtin_cpu_supports("pclmul")) {
    done = bytes / kLane * kLane;
    state = by_lanes(from, done, state);
  }
  return ~by_bytes(from + done, bytes - done, state);
}

}  // namespace octavo
