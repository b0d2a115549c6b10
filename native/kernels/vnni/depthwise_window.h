// What a depthwise convolution computes at once: windows, their place in a pass, and blocks of channels, with
// the weights packed for both.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/vnni/epilogue.h"

namespace octavo::kernels {

constexpr int64_t kMostSourceRows = 12;  // of a pass
constexpr int64_t kMostSections = 4;
constexpr int64_t kVector = 64;               // bytes
constexpr int64_t kColumn = 4 * kVector;      // of a block: four interleaved rows of a column
constexpr int64_t kColumnsBytes = 24 * 1024;  // of a part of a row: half of the first-level cache
constexpr int64_t kBatch = 8;                 // windows whose sums are computed together
constexpr int64_t kSumsBytes = kBlockChannels * sizeof(int32_t);

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

// A block of 64 channels, or the last channels of an image. 32 or 16 channels fill a half or a quarter of a
// vector: the other sections then hold the same channels of other rows.
struct DepthwiseBlock {
  explicit DepthwiseBlock(int64_t first, int64_t channels);

  int64_t first, count;  // channels
  int64_t sections;
  __mmask64 mask;  // of the channels in the first section

  // The channel at a position of the block's vectors, or -1.
  int64_t channel(int64_t position) const;
};

// Packs a block of row-major weights [channels, height, width] for a source with this zero point, which is
// 128 more for signed bytes.
void pack_depthwise(const DepthwiseWindow& window, const DepthwiseBlock& block, const int8_t* weights,
                    int32_t zero_point, uint8_t* packed);

}  // namespace octavo::kernels
