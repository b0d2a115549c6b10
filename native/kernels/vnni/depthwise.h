// Depthwise convolution of 8-bit images, channels next to each other: each channel has its own window of
// weights.
//
// Four rows of the source are interleaved, so that a vector holds four vertical neighbours of 16 channels,
// which one instruction multiplies with their weights and adds. A column of the source is interleaved once
// for all windows that meet it, and for two rows of results: their weights stand against the same four rows,
// shifted.
#pragma once

#include <cstdint>

#include "kernels/vnni/epilogue.h"

namespace octavo::kernels {

// A window's extents, and how a pass computes windows.
struct DepthwiseWindow {
  DepthwiseWindow(int64_t height, int64_t width, int64_t row_stride, int64_t row_dilation,
                  int64_t column_stride, int64_t column_dilation);

  int64_t height, width;
  int64_t row_stride, row_dilation, column_stride, column_dilation;
  int64_t results;      // rows of results in a pass: 1 or 2
  int64_t source_rows;  // that they read: row i is i * row_dilation below the first
  int64_t groups;       // of four of these

  // Whether its columns have room in the buffer of a pass.
  bool fits() const;
  // Of a block of channels: sums of an empty window, then weights.
  int64_t packed_bytes() const;
};

constexpr int64_t kMostSourceRows = 12;
constexpr int64_t kMostSections = 4;

// A block of 64 channels, or the last channels of an image. 32 or 16 channels fill a half or a quarter of a
// vector: the other sections then hold the same channels of other rows.
struct DepthwiseBlock {
  explicit DepthwiseBlock(int64_t first, int64_t channels);

  int64_t first, count;  // channels
  int64_t sections;
  __mmask64 masks[kMostSections];

  // The channel at a position of the block's vectors, or -1.
  int64_t channel(int64_t position) const;
  // From the first channel's address in memory to the one at which a vector with this section starts, in
  // elements.
  int64_t lead(int64_t section) const { return section * kBlockChannels / sections; }
};

// Packs a block of row-major weights [channels, height, width] for a source with this zero point, which is
// 128 more for signed bytes.
void pack_depthwise(const DepthwiseWindow& window, const DepthwiseBlock& block, const int8_t* weights,
                    int32_t zero_point, uint8_t* packed);

// One row of an image for each section. The addresses are those of the block's first channel in the first
// column, less the section's lead.
struct DepthwiseRows {
  const uint8_t* source[kMostSections][kMostSourceRows];  // null: a row of padding
  uint8_t* results[kMostSections][2];                     // null: none
  const uint8_t* addends[kMostSections][2];
};

struct DepthwiseImage {
  int64_t source_width, result_width, padding;    // in columns
  int64_t source_step, result_step, addend_step;  // from a pixel to the next, in bytes
  uint8_t zero_point, source_flip;                // 0x80 if the source is signed: after the flip
};

// Computes rows of a block. `offset`: of the block's first channel in the epilogue's arrays.
using DepthwisePass = void (*)(const DepthwiseWindow& window, const DepthwiseBlock& block,
                               const DepthwiseImage& image, const DepthwiseRows& rows, const uint8_t* packed,
                               const Epilogue& epilogue, int64_t offset);
// For the epilogue's function and addend, and for float32 results if `floats`.
DepthwisePass depthwise_pass(const Epilogue& epilogue, bool floats);

}  // namespace octavo::kernels
