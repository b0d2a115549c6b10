#include "kernels/vnni/depthwise.h"

#include <algorithm>
#include <cstring>

namespace octavo::kernels {

namespace {
constexpr int64_t kVector = 64, kColumn = 4 * kVector;  // bytes; of four rows in a column
constexpr int64_t kColumnsBytes = 24 * 1024;            // of a pass: half of the first-level cache
constexpr int64_t kBatch = 8;                           // columns of results whose sums are computed together
constexpr int64_t kSumsBytes = kBlockChannels * sizeof(int32_t);

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

int64_t columns_of(const DepthwiseWindow& window, int64_t results) {
  return (results - 1) * window.column_stride + (window.width - 1) * window.column_dilation + 1;
}

// The most columns of results in a pass: whole batches.
int64_t most_results(const DepthwiseWindow& window) {
  const int64_t columns = kColumnsBytes / (window.groups * kColumn);
  const int64_t spare = columns - columns_of(window, 1);
  return spare < 0 ? 0 : (spare / window.column_stride + 1) / kBatch * kBatch;
}

OCTAVO_VNNI_INLINE __m512i load(const void* at) { return _mm512_loadu_si512(at); }

// A row's bytes of a block in one column.
OCTAVO_VNNI_INLINE __m512i load_row(const DepthwiseBlock& block, const DepthwiseRows& rows, int64_t row,
                                    int64_t offset, __m512i padding, __m512i flip) {
  __m512i bytes = padding;
  for (int64_t s = 0; s < block.sections; s++)
    if (const uint8_t* source = rows.source[s][row])
      bytes = _mm512_mask_loadu_epi8(bytes, block.masks[s], source + offset);
  return _mm512_xor_si512(bytes, flip);
}

// Interleaves `count` columns of the source from `first` on, which may lie in the padding.
OCTAVO_VNNI void interleave(const DepthwiseWindow& window, const DepthwiseBlock& block,
                            const DepthwiseImage& image, const DepthwiseRows& rows, int64_t first,
                            int64_t count, uint8_t* columns) {
  const __m512i flip = _mm512_set1_epi8(static_cast<char>(image.source_flip));
  const __m512i zero = _mm512_set1_epi8(static_cast<char>(image.zero_point));
  const __m512i padding = _mm512_xor_si512(zero, flip);
  for (int64_t c = first; c < first + count; c++) {
    const bool is_inside = c >= 0 && c < image.source_width;
    for (int64_t g = 0; g < window.groups; g++, columns += kColumn) {
      auto* out = reinterpret_cast<__m512i*>(columns);
      if (!is_inside) {
        for (int v = 0; v < 4; v++) _mm512_store_si512(out + v, zero);
        continue;
      }
      const int64_t offset = c * image.source_step, present = window.source_rows - 4 * g;
      __m512i r[4];
      for (int64_t i = 0; i < 4; i++)
        r[i] = i < present ? load_row(block, rows, 4 * g + i, offset, padding, flip) : zero;
      const __m512i low = _mm512_unpacklo_epi8(r[0], r[1]), high = _mm512_unpackhi_epi8(r[0], r[1]);
      const __m512i low2 = _mm512_unpacklo_epi8(r[2], r[3]), high2 = _mm512_unpackhi_epi8(r[2], r[3]);
      _mm512_store_si512(out, _mm512_unpacklo_epi16(low, low2));
      _mm512_store_si512(out + 1, _mm512_unpackhi_epi16(low, low2));
      _mm512_store_si512(out + 2, _mm512_unpacklo_epi16(high, high2));
      _mm512_store_si512(out + 3, _mm512_unpackhi_epi16(high, high2));
    }
  }
}

// The sums of kColumns columns in kRows rows of results: sums[row][kBatch][block].
template <int kRows, int kColumns>
OCTAVO_VNNI void multiply(const DepthwiseWindow& window, const uint8_t* columns, const uint8_t* packed,
                          int32_t* sums) {
  const int64_t step = window.groups * kColumn;
  const uint8_t* weights = packed + kSumsBytes;
  for (int64_t v = 0; v < 4; v++) {
    __m512i acc[kRows][kColumns];
    const __m512i empty = load(packed + v * kVector);
#pragma GCC unroll 2
    for (int r = 0; r < kRows; r++)
#pragma GCC unroll 8
      for (int c = 0; c < kColumns; c++) acc[r][c] = empty;
    for (int64_t tap = 0; tap < window.width; tap++)
      for (int64_t g = 0; g < window.groups; g++, weights += kRows * kVector) {
        const uint8_t* at = columns + tap * window.column_dilation * step + g * kColumn + v * kVector;
        __m512i w[kRows];
#pragma GCC unroll 2
        for (int r = 0; r < kRows; r++) w[r] = load(weights + r * kVector);
#pragma GCC unroll 8
        for (int c = 0; c < kColumns; c++) {
          const __m512i x = load(at + c * window.column_stride * step);
#pragma GCC unroll 2
          for (int r = 0; r < kRows; r++) acc[r][c] = _mm512_dpbusd_epi32(acc[r][c], x, w[r]);
        }
      }
#pragma GCC unroll 2
    for (int r = 0; r < kRows; r++)
#pragma GCC unroll 8
      for (int c = 0; c < kColumns; c++)
        _mm512_store_si512(sums + (r * kBatch + c) * kBlockChannels + v * 16, acc[r][c]);
  }
}

using Multiply = void (*)(const DepthwiseWindow&, const uint8_t*, const uint8_t*, int32_t*);
constexpr Multiply multiplies[2][kBatch] = {{multiply<1, 1>, multiply<1, 2>, multiply<1, 3>, multiply<1, 4>,
                                             multiply<1, 5>, multiply<1, 6>, multiply<1, 7>, multiply<1, 8>},
                                            {multiply<2, 1>, multiply<2, 2>, multiply<2, 3>, multiply<2, 4>,
                                             multiply<2, 5>, multiply<2, 6>, multiply<2, 7>, multiply<2, 8>}};

// Adds what lies at the same places of another tensor.
template <Added kAdded>
OCTAVO_VNNI_INLINE void add(const DepthwiseBlock& block, const DepthwiseRows& rows, int64_t row,
                            int64_t offset, const EpilogueRegisters& to, __m512 x[4]) {
  if (kAdded == Added::bytes) {
    __m512i bytes = _mm512_setzero_si512();
    for (int64_t s = 0; s < block.sections; s++)
      if (rows.results[s][row])
        bytes = _mm512_mask_loadu_epi8(bytes, block.masks[s], rows.addends[s][row] + offset);
    add_bytes(bytes, to, x);
  } else {
    __m512 reals[4];
    for (int64_t lane = 0; lane < 4; lane++) {
      const int64_t s = lane * block.sections / 4;
      const auto mask = static_cast<__mmask16>(block.masks[s] >> (16 * lane));
      reals[lane] = _mm512_setzero_ps();
      if (rows.results[s][row])
        reals[lane] = _mm512_maskz_loadu_ps(mask, rows.addends[s][row] + offset + lane * kVector);
    }
    reorder_block(reals);
    for (int v = 0; v < 4; v++) x[v] = _mm512_fmadd_ps(reals[v], to.addend_scale, x[v]);
  }
}

template <bool kFloats>
OCTAVO_VNNI_INLINE void store(const DepthwiseBlock& block, const DepthwiseRows& rows, int64_t row,
                              int64_t offset, const EpilogueRegisters& to, __m512 results[4]) {
  if (kFloats) {
    reorder_block(results);
    for (int64_t lane = 0; lane < 4; lane++) {
      const int64_t s = lane * block.sections / 4;
      const auto mask = static_cast<__mmask16>(block.masks[s] >> (16 * lane));
      if (uint8_t* at = rows.results[s][row])
        _mm512_mask_storeu_ps(at + offset + lane * kVector, mask, results[lane]);
    }
  } else {
    const __m512i bytes = packed_bytes(results, to);
    for (int64_t s = 0; s < block.sections; s++)
      if (uint8_t* at = rows.results[s][row]) _mm512_mask_storeu_epi8(at + offset, block.masks[s], bytes);
  }
}

// Stores `count` columns from `first` on of one row of results.
template <Function kFunction, Added kAdded, bool kFloats>
OCTAVO_VNNI void finish(const DepthwiseBlock& block, const DepthwiseImage& image, const DepthwiseRows& rows,
                        int64_t row, int64_t first, int64_t count, const int32_t* sums,
                        const Epilogue& epilogue, int64_t offset) {
  const EpilogueRegisters to(epilogue);
  __m512 factors[4], offsets[4];
  for (int v = 0; v < 4; v++) {
    factors[v] = _mm512_loadu_ps(epilogue.factor + offset + v * 16);
    offsets[v] = _mm512_loadu_ps(epilogue.offset + offset + v * 16);
  }
  for (int64_t c = first; c < first + count; c++, sums += kBlockChannels) {
    __m512 x[4];
    for (int v = 0; v < 4; v++) x[v] = scaled_sums(load(sums + v * 16), factors[v], offsets[v]);
    if (kAdded != Added::nothing) add<kAdded>(block, rows, row, c * image.addend_step, to, x);
    for (int v = 0; v < 4; v++) x[v] = result_of<kFunction>(x[v], to);
    store<kFloats>(block, rows, row, c * image.result_step, to, x);
  }
}

bool has_row(const DepthwiseBlock& block, const DepthwiseRows& rows, int64_t row) {
  for (int64_t s = 0; s < block.sections; s++)
    if (rows.results[s][row]) return true;
  return false;
}

template <Function kFunction, Added kAdded, bool kFloats>
void pass(const DepthwiseWindow& window, const DepthwiseBlock& block, const DepthwiseImage& image,
          const DepthwiseRows& rows, const uint8_t* packed, const Epilogue& epilogue, int64_t offset) {
  alignas(64) uint8_t columns[kColumnsBytes];
  alignas(64) int32_t sums[2 * kBatch * kBlockChannels];
  const int64_t width = image.result_width, parts = ceil_div(width, most_results(window));
  const int64_t share = ceil_div(ceil_div(width, parts), kBatch) * kBatch;
  for (int64_t begin = 0; begin < width; begin += share) {
    const int64_t end = std::min(begin + share, width);
    interleave(window, block, image, rows, begin * window.column_stride - image.padding,
               columns_of(window, end - begin), columns);
    for (int64_t first = begin; first < end; first += kBatch) {
      const int64_t count = std::min(kBatch, end - first);
      multiplies[window.results - 1][count - 1](
          window, columns + (first - begin) * window.column_stride * window.groups * kColumn, packed, sums);
      for (int64_t row = 0; row < window.results; row++)
        if (has_row(block, rows, row))
          finish<kFunction, kAdded, kFloats>(block, image, rows, row, first, count,
                                             sums + row * kBatch * kBlockChannels, epilogue, offset);
    }
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

DepthwiseWindow::DepthwiseWindow(int64_t height, int64_t width, int64_t row_stride, int64_t row_dilation,
                                 int64_t column_stride, int64_t column_dilation)
    : height(height),
      width(width),
      row_stride(row_stride),
      row_dilation(row_dilation),
      column_stride(column_stride),
      column_dilation(column_dilation) {
  // A second row of results is free where it needs no further group.
  const bool pairs = row_dilation == 1 && ceil_div(height + row_stride, 4) == ceil_div(height, 4);
  results = pairs ? 2 : 1;
  source_rows = pairs ? height + row_stride : height;
  groups = ceil_div(source_rows, 4);
}

bool DepthwiseWindow::fits() const { return source_rows <= kMostSourceRows && most_results(*this) > 0; }

int64_t DepthwiseWindow::packed_bytes() const { return kSumsBytes + width * groups * results * kColumn; }

DepthwiseBlock::DepthwiseBlock(int64_t first, int64_t channels) : first(first) {
  count = std::min(channels - first, kBlockChannels);
  sections = count <= 16 ? 4 : count <= 32 ? 2 : 1;
  for (int64_t s = 0; s < sections; s++) masks[s] = (~uint64_t{0} >> (kBlockChannels - count)) << lead(s);
}

int64_t DepthwiseBlock::channel(int64_t position) const {
  const int64_t channel = block_channel(position) % (kBlockChannels / sections);
  return channel < count ? first + channel : -1;
}

void pack_depthwise(const DepthwiseWindow& window, const DepthwiseBlock& block, const int8_t* weights,
                    int32_t zero_point, uint8_t* packed) {
  const int64_t size = window.height * window.width;
  int32_t empty[kBlockChannels] = {};
  for (int64_t position = 0; position < kBlockChannels; position++) {
    const int64_t channel = block.channel(position);
    if (channel < 0) continue;
    for (int64_t i = 0; i < size; i++) empty[position] -= zero_point * weights[channel * size + i];
  }
  std::memcpy(packed, empty, sizeof empty);
  packed += sizeof empty;
  for (int64_t v = 0; v < 4; v++)
    for (int64_t column = 0; column < window.width; column++)
      for (int64_t g = 0; g < window.groups; g++)
        for (int64_t result = 0; result < window.results; result++)
          for (int64_t i = 0; i < kVector; i++) {
            const int64_t channel = block.channel(v * 16 + i / 4);
            const int64_t row = 4 * g + i % 4 - result * window.row_stride;
            const bool exists = channel >= 0 && row >= 0 && row < window.height;
            *packed++ =
                exists ? static_cast<uint8_t>(weights[channel * size + row * window.width + column]) : 0;
          }
}

DepthwisePass depthwise_pass(const Epilogue& epilogue, bool floats) {
  switch (epilogue.function) {
    case Function::clamp:
      return pass_with<Function::clamp>(epilogue, floats);
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
