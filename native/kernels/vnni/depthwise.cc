#include "kernels/vnni/depthwise.h"

#include <algorithm>
#include <cstring>

namespace octavo::kernels {

namespace {
OCTAVO_VNNI_INLINE __m512i load(const void* at) { return _mm512_loadu_si512(at); }

// A row's bytes of all sections. Whole: the channels fill them.
template <int kSections, bool kWhole>
OCTAVO_VNNI_INLINE __m512i load_sections(const uint8_t* const* at, __mmask64 mask) {
  if (kSections == 1) return kWhole ? load(at[0]) : _mm512_maskz_loadu_epi8(mask, at[0]);
  if (kSections == 2) {
    const auto half = [&](int s) OCTAVO_VNNI {
      return kWhole ? _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at[s]))
                    : _mm256_maskz_loadu_epi8(static_cast<__mmask32>(mask), at[s]);
    };
    return _mm512_inserti64x4(_mm512_castsi256_si512(half(0)), half(1), 1);
  }
  const auto quarter = [&](int s) OCTAVO_VNNI {
    return kWhole ? _mm_loadu_si128(reinterpret_cast<const __m128i*>(at[s]))
                  : _mm_maskz_loadu_epi8(static_cast<__mmask16>(mask), at[s]);
  };
  const __m256i first = _mm256_inserti128_si256(_mm256_castsi128_si256(quarter(0)), quarter(1), 1);
  const __m256i second = _mm256_inserti128_si256(_mm256_castsi128_si256(quarter(2)), quarter(3), 1);
  return _mm512_inserti64x4(_mm512_castsi256_si512(first), second, 1);
}

// Interleaves the columns of a part.
template <int kSections, bool kWhole>
OCTAVO_VNNI void interleave(const DepthwiseWindow& window, const DepthwiseBlock& block,
                            const DepthwiseImage& image, const DepthwiseRows& rows,
                            const std::vector<DepthwiseWindow::Sequence>& part, uint8_t* columns) {
  alignas(64) uint8_t padding[kVector];
  std::memset(padding, image.zero_point ^ image.source_flip, sizeof padding);
  const __m512i flip = _mm512_set1_epi8(static_cast<char>(image.source_flip));
  const __m512i zero = _mm512_set1_epi8(static_cast<char>(image.zero_point));
  const int64_t source_step = image.source_step * window.columns.stride;
  for (int64_t g = 0; g < window.groups; g++)
    for (const auto& [first, begin, end, length] : part) {
      // In a row of padding the pointer stays where it is.
      const uint8_t* at[4][kSections];
      int64_t step[4][kSections];
      for (int64_t i = 0; i < 4; i++)
        for (int64_t s = 0; s < kSections; s++) {
          const uint8_t* source = rows.source[s][4 * g + i];
          step[i][s] = source ? source_step : 0;
          at[i][s] = source ? source + first * image.source_step + begin * source_step : padding;
        }
      uint8_t* out = columns;
      for (; out < columns + begin * kColumn; out += kVector) _mm512_store_si512(out, zero);
      for (; out < columns + end * kColumn; out += kColumn) {
        __m512i r[4];
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) {
          r[i] = _mm512_xor_si512(load_sections<kSections, kWhole>(at[i], block.mask), flip);
#pragma GCC unroll 4
          for (int s = 0; s < kSections; s++) at[i][s] += step[i][s];
        }
        const __m512i low = _mm512_unpacklo_epi8(r[0], r[1]), high = _mm512_unpackhi_epi8(r[0], r[1]);
        const __m512i low2 = _mm512_unpacklo_epi8(r[2], r[3]), high2 = _mm512_unpackhi_epi8(r[2], r[3]);
        _mm512_store_si512(out, _mm512_unpacklo_epi16(low, low2));
        _mm512_store_si512(out + kVector, _mm512_unpackhi_epi16(low, low2));
        _mm512_store_si512(out + 2 * kVector, _mm512_unpacklo_epi16(high, high2));
        _mm512_store_si512(out + 3 * kVector, _mm512_unpackhi_epi16(high, high2));
      }
      for (; out < columns + length * kColumn; out += kVector) _mm512_store_si512(out, zero);
      columns += window.room * kColumn;
    }
}

using Interleave = void (*)(const DepthwiseWindow&, const DepthwiseBlock&, const DepthwiseImage&,
                            const DepthwiseRows&, const std::vector<DepthwiseWindow::Sequence>&, uint8_t*);

Interleave interleave_of(const DepthwiseBlock& block) {
  const bool is_whole = block.count * block.sections == kBlockChannels;
  if (block.sections == 1) return is_whole ? interleave<1, true> : interleave<1, false>;
  if (block.sections == 2) return is_whole ? interleave<2, true> : interleave<2, false>;
  return is_whole ? interleave<4, true> : interleave<4, false>;
}

// The sums of kColumns windows in kRows rows of results: sums[row][kBatch][block].
template <int kRows, int kColumns>
OCTAVO_VNNI void multiply(const std::vector<int64_t>& taps, const uint8_t* columns, const uint8_t* packed,
                          int32_t* sums) {
  const uint8_t* weights = packed + kSumsBytes;
  for (int64_t v = 0; v < 4; v++, columns += kVector, packed += kVector, sums += 16) {
    __m512i acc[kRows][kColumns];
    const __m512i empty = load(packed);
#pragma GCC unroll 2
    for (int r = 0; r < kRows; r++)
#pragma GCC unroll 8
      for (int c = 0; c < kColumns; c++) acc[r][c] = empty;
    for (const int64_t tap : taps) {
      __m512i w[kRows];
#pragma GCC unroll 2
      for (int r = 0; r < kRows; r++, weights += kVector) w[r] = load(weights);
#pragma GCC unroll 8
      for (int c = 0; c < kColumns; c++) {
        const __m512i x = load(columns + tap + c * kColumn);
#pragma GCC unroll 2
        for (int r = 0; r < kRows; r++) acc[r][c] = _mm512_dpbusd_epi32(acc[r][c], x, w[r]);
      }
    }
#pragma GCC unroll 2
    for (int r = 0; r < kRows; r++)
#pragma GCC unroll 8
      for (int c = 0; c < kColumns; c++)
        _mm512_store_si512(sums + (r * kBatch + c) * kBlockChannels, acc[r][c]);
  }
}

using Multiply = void (*)(const std::vector<int64_t>&, const uint8_t*, const uint8_t*, int32_t*);
constexpr Multiply multiplies[2][kBatch] = {{multiply<1, 1>, multiply<1, 2>, multiply<1, 3>, multiply<1, 4>,
                                             multiply<1, 5>, multiply<1, 6>, multiply<1, 7>, multiply<1, 8>},
                                            {multiply<2, 1>, multiply<2, 2>, multiply<2, 3>, multiply<2, 4>,
                                             multiply<2, 5>, multiply<2, 6>, multiply<2, 7>, multiply<2, 8>}};

// Where a row of images is in memory: for each section or, of floats, for each lane of 16 channels.
struct Places {
  int64_t count = 0;
  uint8_t* at[4];
  __mmask64 mask[4];
  int lane[4];

  // Bytes of a section are loaded and stored as parts of a whole vector, which starts before the section
  // does.
  void add_bytes(const DepthwiseBlock& block, int64_t section, uint8_t* place) {
    const int64_t lead = section * kBlockChannels / block.sections;
    at[count] = place - lead;
    mask[count++] = block.mask << lead;
  }
  void add_floats(const DepthwiseBlock& block, int64_t section, uint8_t* place) {
    for (int64_t i = 0; i < 4 / block.sections; i++) {
      at[count] = place + i * kVector;
      lane[count] = static_cast<int>(section * 4 / block.sections + i);
      mask[count++] = block.mask >> (16 * i) & 0xffff;
    }
  }
};

// Adds what lies at the same places of another tensor.
template <Added kAdded>
OCTAVO_VNNI_INLINE void add(const Places& places, int64_t offset, const EpilogueRegisters& to, __m512 x[4]) {
  if (kAdded == Added::bytes) {
    __m512i bytes = _mm512_setzero_si512();
    for (int64_t i = 0; i < places.count; i++)
      bytes = _mm512_mask_loadu_epi8(bytes, places.mask[i], places.at[i] + offset);
    add_bytes(bytes, to, x);
  } else {
    alignas(64) float reals[kBlockChannels] = {};
    for (int64_t i = 0; i < places.count; i++) {
      const auto mask = static_cast<__mmask16>(places.mask[i]);
      _mm512_store_ps(reals + 16 * places.lane[i], _mm512_maskz_loadu_ps(mask, places.at[i] + offset));
    }
    __m512 lanes[4];
#pragma GCC unroll 4
    for (int v = 0; v < 4; v++) lanes[v] = _mm512_load_ps(reals + 16 * v);
    reorder_block(lanes);
#pragma GCC unroll 4
    for (int v = 0; v < 4; v++) x[v] = _mm512_fmadd_ps(lanes[v], to.addend_scale, x[v]);
  }
}

template <bool kFloats>
OCTAVO_VNNI_INLINE void store(const Places& places, int64_t offset, const EpilogueRegisters& to,
                              __m512 results[4]) {
  if (kFloats) {
    alignas(64) float reals[kBlockChannels];
    reorder_block(results);
#pragma GCC unroll 4
    for (int v = 0; v < 4; v++) _mm512_store_ps(reals + 16 * v, results[v]);
    for (int64_t i = 0; i < places.count; i++)
      _mm512_mask_storeu_ps(places.at[i] + offset, static_cast<__mmask16>(places.mask[i]),
                            _mm512_load_ps(reals + 16 * places.lane[i]));
  } else {
    const __m512i bytes = packed_bytes(results, to);
    for (int64_t i = 0; i < places.count; i++)
      _mm512_mask_storeu_epi8(places.at[i] + offset, places.mask[i], bytes);
  }
}

// A row of results, and what is added to it.
template <Added kAdded, bool kFloats>
struct ResultRow {
  Places results, addends;

  ResultRow(const DepthwiseBlock& block, const DepthwiseRows& rows, int64_t row) {
    for (int64_t s = 0; s < block.sections; s++) {
      if (!rows.results[s][row]) continue;
      if (kFloats) results.add_floats(block, s, rows.results[s][row]);
      if (!kFloats) results.add_bytes(block, s, rows.results[s][row]);
      // Only read.
      auto* addend = const_cast<uint8_t*>(rows.addends[s][row]);
      if (kAdded == Added::bytes) addends.add_bytes(block, s, addend);
      if (kAdded == Added::floats) addends.add_floats(block, s, addend);
    }
  }
};

// Stores `count` columns of a row from `first` on.
template <Function kFunction, Added kAdded, bool kFloats>
OCTAVO_VNNI void finish(const ResultRow<kAdded, kFloats>& row, const DepthwiseImage& image, int64_t first,
                        int64_t count, const int32_t* sums, const float* factors_at, const float* offsets_at,
                        const EpilogueRegisters& to) {
  __m512 factors[4], offsets[4];
#pragma GCC unroll 4
  for (int v = 0; v < 4; v++) {
    factors[v] = _mm512_loadu_ps(factors_at + v * 16);
    offsets[v] = _mm512_loadu_ps(offsets_at + v * 16);
  }
  for (int64_t c = first; c < first + count; c++, sums += kBlockChannels) {
    __m512 x[4];
#pragma GCC unroll 4
    for (int v = 0; v < 4; v++) x[v] = scaled_sums(load(sums + v * 16), factors[v], offsets[v]);
    if (kAdded != Added::nothing) add<kAdded>(row.addends, c * image.addend_step, to, x);
#pragma GCC unroll 4
    for (int v = 0; v < 4; v++) {
      x[v] = result_of<kFunction>(x[v], to);
      if (kFloats || kAdded == Added::floats) x[v] = clamped(x[v], to);
    }
    store<kFloats>(row.results, c * image.result_step, to, x);
  }
}

template <Function kFunction, Added kAdded, bool kFloats>
OCTAVO_VNNI void pass(const DepthwiseWindow& window, const DepthwiseBlock& block, const DepthwiseImage& image,
                      const DepthwiseRows& rows, const uint8_t* packed, const Epilogue& epilogue,
                      int64_t offset) {
  // Aligned to a block's vectors: a load must not seem to read what was stored 4096 bytes away.
  alignas(kColumn) uint8_t columns[kColumnsBytes];
  alignas(kColumn) int32_t sums[2 * kBatch * kBlockChannels];
  const EpilogueRegisters to(epilogue);
  const auto interleave = interleave_of(block);
  const ResultRow<kAdded, kFloats> results[] = {{block, rows, 0}, {block, rows, 1}};
  int64_t begin = 0;
  for (const auto& part : window.parts) {
    const int64_t end = std::min(begin + window.part, window.widths.results);
    interleave(window, block, image, rows, part, columns);
    for (int64_t first = begin; first < end; first += kBatch) {
      const int64_t count = std::min(kBatch, end - first);
      multiplies[window.results - 1][count - 1](window.taps, columns + (first - begin) * kColumn, packed,
                                                sums);
      for (int64_t row = 0; row < window.results; row++)
        if (results[row].results.count > 0)
          finish<kFunction>(results[row], image, first, count, sums + row * kBatch * kBlockChannels,
                            epilogue.factor + offset, epilogue.offset + offset, to);
    }
    begin = end;
  }
}

template <Function kFunction, Added kAdded>
DepthwisePass pass_to(bool floats) {
  return floats ? pass<kFunction, kAdded, true> : pass<kFunction, kAdded, false>;
}

template <Function kFunction>
DepthwisePass pass_with(const Epilogue& epilogue, bool floats) {
  switch (epilogue.added) {
    case Added::nothing:
      return pass_to<kFunction, Added::nothing>(floats);
    case Added::bytes:
      return pass_to<kFunction, Added::bytes>(floats);
    default:
      return pass_to<kFunction, Added::floats>(floats);
  }
}
}  // namespace

DepthwisePass depthwise_pass(const Epilogue& epilogue, bool floats) {
  switch (epilogue.function) {
    case Function::line:
      return pass_with<Function::line>(epilogue, floats);
    case Function::leaky_relu:
      return pass_with<Function::leaky_relu>(epilogue, floats);
    case Function::hardswish:
      return pass_with<Function::hardswish>(epilogue, floats);
    case Function::swish:
      return pass_with<Function::swish>(epilogue, floats);
    case Function::sigmoid:
      return pass_with<Function::sigmoid>(epilogue, floats);
    case Function::tanh:
      return pass_with<Function::tanh>(epilogue, floats);
    case Function::gelu_erf:
      return pass_with<Function::gelu_erf>(epilogue, floats);
    default:
      return pass_with<Function::gelu_tanh>(epilogue, floats);
  }
}

}  // namespace octavo::kernels
