#include "steps/layers/exact/window_products.h"

#include <algorithm>

#include "kernels/depthwise_product.h"
#include "kernels/transpose.h"

namespace octavo {

static_assert(WindowProducts::kWidth == kernels::kDepthwiseChannels);

WindowProducts::WindowProducts(const LayerProblem& problem, const WindowRows& rows)
    : groups_(problem.groups),
      group_inputs_(problem.weight.shape[1]),
      group_outputs_(problem.weight.shape[0] / problem.groups),
      taps_(problem.weight.shape[2] * problem.weight.shape[3]) {
  const int64_t height = problem.weight.shape[2], width = problem.weight.shape[3];
  depthwise_ = groups_ > 1 && group_inputs_ == 1 && group_outputs_ == 1;
  // A row of the kernel is one run if its elements are adjacent.
  const bool joined = groups_ == 1 && rows.has_dense_kernel_rows();
  runs_.length = joined ? width * group_inputs_ : group_inputs_;
  for (int64_t i = 0; i < height; i++)
    for (int64_t j = 0; j < width; j++) {
      tap_offsets_.push_back(rows.tap_offset(i, j));
      if (j == 0 || !joined) runs_.offsets.push_back(rows.tap_offset(i, j));
    }
  if (depthwise_) {
    for (int64_t channel = 0; channel < groups_; channel += kWidth)
      blocks_.push_back({channel, std::min(kWidth, groups_ - channel), 0, 0});
    packed_bytes_ = kernels::packed_depthwise_size(taps_, groups_) * sizeof(int16_t);
    return;
  }
  const auto block_bytes = static_cast<size_t>(kernels::packed_bytes(runs_, kWidth));
  for (int64_t group = 0; group < groups_; group++)
    for (int64_t channel = 0; channel < group_outputs_; channel += kWidth) {
      blocks_.push_back({group * group_outputs_ + channel, std::min(kWidth, group_outputs_ - channel), group,
                         packed_bytes_});
      packed_bytes_ += block_bytes;
    }
}

bool WindowProducts::has_full_blocks() const {
  return std::all_of(blocks_.begin(), blocks_.end(),
                     [](const Block& block) { return block.count == kWidth; });
}

PackedForm WindowProducts::form(const TensorDesc& weight) const {
  return {std::string("exact, ") + (depthwise_ ? "depthwise" : "runs") + " of " +
              std::to_string(runs_.length) + " in " + std::to_string(groups_) + " groups, " +
              layout_key(weight),
          packed_bytes_};
}

std::vector<int8_t> WindowProducts::in_window_order(const TensorDesc& weight, const void* data) const {
  const auto* values = static_cast<const int8_t*>(data);
  const int64_t outputs = weight.shape[0], inputs = weight.shape[1], height = weight.shape[2],
                width = weight.shape[3];
  std::vector<int8_t> ordered(static_cast<size_t>(weight.numel()));
  int8_t* window = ordered.data();
  for (int64_t o = 0; o < outputs; o++)
    for (int64_t i = 0; i < height; i++)
      for (int64_t j = 0; j < width; j++, window += inputs)
        kernels::gather(1, values + o * weight.strides[0] + i * weight.strides[2] + j * weight.strides[3],
                        weight.strides[1], window, 1, inputs);
  return ordered;
}

void WindowProducts::pack(const TensorDesc& weight, const void* data, void* packed) const {
  const auto ordered = in_window_order(weight, data);
  if (depthwise_)
    return kernels::pack_depthwise(ordered.data(), taps_, groups_, static_cast<int16_t*>(packed));
  const int64_t terms = taps_ * group_inputs_;
  for (const auto& block : blocks_)
    kernels::pack_columns(runs_, ordered.data() + block.channel * terms, block.count,
                          static_cast<int8_t*>(packed) + block.packed);
}

void WindowProducts::multiply(const void* packed, const int16_t* const* windows, int64_t count, size_t first,
                              size_t last, int32_t* sums, int64_t step) const {
  if (depthwise_)
    return kernels::multiply_depthwise(tap_offsets_, windows, count, static_cast<const int16_t*>(packed),
                                       static_cast<int64_t>(first), static_cast<int64_t>(last), sums, step);
  for (size_t i = first; i < last; i++) {
    const auto& block = blocks_[i];
    const auto* weights = static_cast<const int8_t*>(packed) + block.packed;
    int32_t* block_sums = sums + block.channel - blocks_[first].channel;
    for (int64_t w = 0; w < count; w += kernels::kProductRows) {
      const int64_t rows = std::min(kernels::kProductRows, count - w);
      const int16_t* inputs[kernels::kProductRows];
      for (int64_t r = 0; r < rows; r++) inputs[r] = windows[w + r] + block.group * group_inputs_;
      kernels::multiply_block(runs_, inputs, rows, weights, block_sums + w * step, step);
    }
  }
}

}  // namespace octavo
