#include "kernels/vnni/sums_output.h"

#include <array>
#include <utility>

namespace octavo::kernels {

namespace {
constexpr int kLanes = 16;
constexpr __mmask16 kAllLanes = 0xffff;

// A result that packing can saturate, or that is within its bounds.
template <Function kFunction, Added kAdded, bool kBytes>
OCTAVO_VNNI_INLINE __m512 bounded(__m512 x, const EpilogueRegisters& registers) {
  const __m512 result = result_of<kFunction>(x, registers);
  return kAdded == Added::floats || !kBytes ? clamped(result, registers) : result;
}

template <Added kAdded>
OCTAVO_VNNI_INLINE void add_block(const char* addend, const EpilogueRegisters& registers, __m512 x[4]) {
  if (kAdded == Added::bytes) add_bytes(_mm512_loadu_si512(addend), registers, x);
  if (kAdded == Added::floats) {
    __m512 values[4];
    for (int v = 0; v < 4; v++)
      values[v] = _mm512_loadu_ps(reinterpret_cast<const float*>(addend) + v * kLanes);
    reorder_block(values);
    for (int v = 0; v < 4; v++) x[v] = _mm512_fmadd_ps(values[v], registers.addend_scale, x[v]);
  }
}

template <bool kBytes>
OCTAVO_VNNI_INLINE void store_block(__m512 results[4], const EpilogueRegisters& registers, char* at) {
  if (kBytes) return _mm512_storeu_si512(at, packed_bytes(results, registers));
  reorder_block(results);
  for (int v = 0; v < 4; v++) _mm512_storeu_ps(reinterpret_cast<float*>(at) + v * kLanes, results[v]);
}

// Up to sixteen channels in their own order.
template <Added kAdded>
OCTAVO_VNNI_INLINE __m512 add_lanes(const char* addend, __mmask16 lanes, const EpilogueRegisters& registers,
                                    __m512 x) {
  if (kAdded == Added::bytes) {
    const __m128i flip = _mm512_castsi512_si128(registers.addend_flip);
    const __m128i bytes = _mm_xor_si128(_mm_maskz_loadu_epi8(lanes, addend), flip);
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes)), registers.addend_scale, x);
  }
  if (kAdded == Added::floats)
    return _mm512_fmadd_ps(_mm512_maskz_loadu_ps(lanes, addend), registers.addend_scale, x);
  return x;
}

// Of four rows. Rows that do not exist have no lanes.
template <bool kBytes>
OCTAVO_VNNI_INLINE void store_lanes(const __m512 results[4], const __mmask16 lanes[4],
                                    const EpilogueRegisters& registers, ByteRows<char> at) {
  if (!kBytes) {
    for (int r = 0; r < 4; r++) _mm512_mask_storeu_ps(at.first + r * at.step, lanes[r], results[r]);
    return;
  }
  // Each lane of 128 bits has four channels of every row: the rows' parts are brought together.
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const __m512i rows = _mm512_permutexvar_epi32(order, packed_bytes(results, registers));
  const __m128i row[4] = {_mm512_castsi512_si128(rows), _mm512_extracti32x4_epi32(rows, 1),
                          _mm512_extracti32x4_epi32(rows, 2), _mm512_extracti32x4_epi32(rows, 3)};
  // Stores without masks take half the time.
  if (lanes[3] == kAllLanes)
    for (int r = 0; r < 4; r++) _mm_storeu_si128(reinterpret_cast<__m128i*>(at.first + r * at.step), row[r]);
  else
    for (int r = 0; r < 4; r++) _mm_mask_storeu_epi8(at.first + r * at.step, lanes[r], row[r]);
}

template <Function kFunction, Added kAdded, bool kBytes>
OCTAVO_VNNI void store(const SumRows& rows, const Epilogue& epilogue, ByteRows<const char> addend,
                       ByteRows<char> results) {
  const EpilogueRegisters registers(epilogue);
  const float *factor = epilogue.factor + rows.first, *offset = epilogue.offset + rows.first;
  if (rows.channels == kBlockChannels) {
    __m512 factors[4], offsets[4];
    for (int v = 0; v < 4; v++) {
      factors[v] = _mm512_loadu_ps(factor + v * kLanes);
      offsets[v] = _mm512_loadu_ps(offset + v * kLanes);
    }
    const char* added = addend.first;
    char* at = results.first;
    const int32_t *sums = rows.sums, *end = sums + rows.count * kBlockChannels;
    for (; sums < end; sums += kBlockChannels, added += addend.step, at += results.step) {
      __m512 x[4];
      for (int v = 0; v < 4; v++)
        x[v] = scaled_sums(_mm512_load_si512(sums + v * kLanes), factors[v], offsets[v]);
      add_block<kAdded>(added, registers, x);
      for (int v = 0; v < 4; v++) x[v] = bounded<kFunction, kAdded, kBytes>(x[v], registers);
      store_block<kBytes>(x, registers, at);
    }
    return;
  }
  constexpr int64_t kAddendSize = kAdded == Added::floats ? sizeof(float) : 1;
  constexpr int64_t kSize = kBytes ? 1 : sizeof(float);
  for (int64_t c = 0; c < rows.channels; c += kLanes) {
    const int64_t count = rows.channels - c;
    const auto all = static_cast<__mmask16>(count < kLanes ? (1u << count) - 1 : kAllLanes);
    const __m512 factors = _mm512_maskz_loadu_ps(all, factor + c),
                 offsets = _mm512_maskz_loadu_ps(all, offset + c);
    for (int64_t row = 0; row < rows.count; row += 4) {
      __m512 x[4];
      __mmask16 lanes[4];
      for (int r = 0; r < 4; r++) {
        lanes[r] = row + r < rows.count ? all : 0;
        const __m512i row_sums = _mm512_load_si512(rows.sums + (row + r) * kBlockChannels + c);
        const __m512 scaled = scaled_sums(row_sums, factors, offsets);
        const char* bytes = addend.first + (row + r) * addend.step + c * kAddendSize;
        const __m512 sum = add_lanes<kAdded>(bytes, lanes[r], registers, scaled);
        x[r] = bounded<kFunction, kAdded, kBytes>(sum, registers);
      }
      store_lanes<kBytes>(x, lanes, registers,
                          {results.first + row * results.step + c * kSize, results.step});
    }
  }
}

constexpr int kFunctions = static_cast<int>(Function::gelu_tanh) + 1;
using OfFunction = std::array<std::array<StoreSums, 2>, 3>;  // by addend, by whether results are bytes

template <Function kFunction>
constexpr OfFunction stores_of() {
  return {{{store<kFunction, Added::nothing, false>, store<kFunction, Added::nothing, true>},
           {store<kFunction, Added::bytes, false>, store<kFunction, Added::bytes, true>},
           {store<kFunction, Added::floats, false>, store<kFunction, Added::floats, true>}}};
}

template <int... kIndices>
constexpr std::array<OfFunction, kFunctions> all_stores(std::integer_sequence<int, kIndices...>) {
  return {stores_of<static_cast<Function>(kIndices)>()...};
}
constexpr auto kStores = all_stores(std::make_integer_sequence<int, kFunctions>());
}  // namespace

StoreSums store_sums(Function function, Added added, bool bytes) {
  return kStores[static_cast<size_t>(function)][static_cast<size_t>(added)][bytes];
}

}  // namespace octavo::kernels
