// Depthwise convolution of 8-bit images, channels next to each other: each channel has its own window of
// weights.
//
// Four rows of the source are interleaved, so that a vector holds four vertical neighbours of 16 channels,
// which one instruction multiplies with their weights and adds. A column of the source is interleaved once
// for all windows that meet it, and for two rows of results: their weights stand against the same four rows,
// shifted.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/vnni/epilogue.h"

namespace octavo::kernels {

// A window, and how a pass computes a row of them.
struct DepthwiseWindow {
  struct Axis {
    int64_t kernel, stride, dilation;
  };
  struct Widths {
    int64_t source, padding, results;
  };

  DepthwiseWindow(Axis rows, Axis columns, Widths widths);

  Axis rows, columns;
  Widths widths;
  int64_t results;      // rows of results in a pass: 1 or 2
  int64_t source_rows;  // that they read: row i is i * rows.dilation below the first
  int64_t groups;       // of four of these

  // A row is computed in parts, as the buffer holds the columns of so many windows only. 0: of not even some.
  int64_t part = 0;
  // Columns of the source that are columns.stride apart are interleaved next to each other, so that
  // neighbouring windows read neighbouring places.
  struct Sequence {
    int64_t first;       // column of the source, which may lie in the padding
    int64_t begin, end;  // of the sequence, those inside of the source
    int64_t length;
  };
  std::vector<std::vector<Sequence>> parts;
  int64_t room = 0;           // of a sequence in the buffer
  std::vector<int64_t> taps;  // where in the buffer the first window's rows are: by column, then by group

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
  __mmask64 mask;  // of the channels in the first section

  // The channel at a position of the block's vectors, or -1.
  int64_t channel(int64_t position) const;
  // From the first channel's address in memory to the one at which a vector with this section starts, in
  // elements.
};

// Packs a block of row-major weights [channels, height, width] for a source with this zero point, which is
// 128 more for signed bytes.
void pack_depthwise(const DepthwiseWindow& window, const DepthwiseBlock& block, const int8_t* weights,
                    int32_t zero_point, uint8_t* packed);

// For each section rows of images: the addresses of the block's first channel in their first columns.
struct DepthwiseRows {
  const uint8_t* source[kMostSections][kMostSourceRows];  // null: a row of padding
  uint8_t* results[kMostSections][2];                     // null: none
  const uint8_t* addends[kMostSections][2];
};

struct DepthwiseImage {
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
