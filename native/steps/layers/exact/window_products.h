// The products of windows with a layer's weights, in blocks of output channels: dense, grouped or depthwise.
#pragma once

#include <vector>

#include "kernels/integer_product.h"
#include "steps/layers/exact/window_rows.h"
#include "steps/layers/images/layer_problem.h"
#include "weights/packed_form.h"

namespace octavo {

class WindowProducts {
 public:
  // Consecutive output channels that are computed together.
  struct Block {
    int64_t channel, count;  // at most kWidth
    int64_t group;
    size_t packed;  // offset of its weights, in bytes
  };
  static constexpr int64_t kWidth = kernels::kProductColumns;
  // multiply() reads up to this many elements beyond a window's end.
  static constexpr int64_t kReadsBehind = kWidth;

  WindowProducts(const LayerProblem& problem, const WindowRows& rows);

  const std::vector<Block>& blocks() const { return blocks_; }
  // Whether every block writes sums of its own channels only.
  bool has_full_blocks() const;
  // The form into which pack() packs weights of this layout.
  PackedForm form(const TensorDesc& weight) const;
  size_t packed_bytes() const { return packed_bytes_; }
  void pack(const TensorDesc& weight, const void* data, void* packed) const;

  // Computes sums[w * step + channel - first block's channel] for `count` windows and the blocks from
  // `first` to `last` (excluded). A block writes kWidth sums even if it has fewer channels; the next block's
  // sums overwrite the rest.
  void multiply(const void* packed, const int16_t* const* windows, int64_t count, size_t first, size_t last,
                int32_t* sums, int64_t step) const;

 private:
  // The weights with the kernel's elements in the order of a window: [O, KH, KW, I / groups].
  std::vector<int8_t> in_window_order(const TensorDesc& weight, const void* data) const;

  bool depthwise_;
  int64_t groups_, group_inputs_, group_outputs_, taps_;
  kernels::ProductRuns runs_;         // dense and grouped
  std::vector<int64_t> tap_offsets_;  // depthwise
  std::vector<Block> blocks_;
  size_t packed_bytes_ = 0;
};

}  // namespace octavo
