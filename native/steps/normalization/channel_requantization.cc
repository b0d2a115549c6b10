#include "steps/normalization/channel_requantization.h"

#include <algorithm>

#include "kernels/parallel.h"
#include "rows/row_blocks.h"
#include "weights/aligned_buffer.h"

namespace octavo {

namespace {
constexpr int64_t kBlock = 16 * 1024;  // elements a thread takes at a time
constexpr int64_t kJoined = 512;       // elements that make the cost of beginning a row small

// As an operand of the loop nest it keeps a row to one pixel: the loops over channels and pixels do not
// merge.
Dims channel_strides(size_t rank) {
  Dims strides(rank, 0);
  strides[1] = 1;
  return strides;
}

// Pixels may be joined where neither operand has a gap between them.
int64_t joined_pixels(const LoopNest& nest) {
  const size_t loops = nest.extents.size();
  const int64_t channels = nest.extents.back();
  if (loops < 2 || nest.strides[0][loops - 2] != channels || nest.strides[1][loops - 2] != channels) return 1;
  return std::clamp<int64_t>(kJoined / channels, 1, nest.extents[loops - 2]);
}
}  // namespace

bool ChannelRequantization::takes(const TensorDesc& x, const TensorDesc& y) {
  return is_byte(x.dtype) && is_byte(y.dtype) && y.shape[1] > 1 && x.strides[1] == 1 && y.strides[1] == 1;
}

ChannelRequantization::ChannelRequantization(const PointwiseOperand& x, const PointwiseOperand& y,
                                             std::pair<float, float> clamp)
    : rows_(kernels::requantize_rows(x.desc.dtype, y.desc.dtype)),
      x_(x.affine),
      y_(y.affine),
      low_(kernels::bound(clamp.first, static_cast<float>(1 / y.affine.scale))),
      high_(kernels::bound(clamp.second, static_cast<float>(1 / y.affine.scale))),
      numel_(y.desc.numel()),
      channels_(y.desc.shape[1]),
      nest_(y.desc.shape, {y.desc.strides, x.desc.strides, channel_strides(y.desc.shape.size())}),
      joined_(numel_ == 0 ? 1 : joined_pixels(nest_)),
      terms_(aligned_buffer(2 * joined_ * channels_ * sizeof(float))),
      factor_(static_cast<float*>(terms_.get())),
      offset_(factor_ + joined_ * channels_) {}

void ChannelRequantization::prepare(const std::vector<float>& scale, const std::vector<float>& shift) {
  for (int64_t c = 0; c < channels_; c++) {
    const double factor = x_.scale * scale[c];
    factor_[c] = static_cast<float>(factor / y_.scale);
    offset_[c] = static_cast<float>((shift[c] - x_.zero_point * factor) / y_.scale);
  }
  for (float* terms : {factor_, offset_})
    for (int64_t pixel = 1; pixel < joined_; pixel++)
      std::copy_n(terms, channels_, terms + pixel * channels_);
}

void ChannelRequantization::execute(const void* x, void* y) const {
  if (numel_ == 0) return;
  const kernels::Requantization to{factor_, offset_, {}, low_, high_, static_cast<int32_t>(y_.zero_point)};
  const RowBlocks blocks(nest_, kBlock);
  kernels::parallel_for(blocks.count(), 2 * numel_, [&](int64_t block) {
    blocks.whole(block, [&](const int64_t* offsets, const int64_t* steps, int64_t pixels) {
      const auto* from = static_cast<const char*>(x) + offsets[1];
      auto* into = static_cast<char*>(y) + offsets[0];
      const int64_t rows = pixels / joined_, rest = pixels % joined_;
      rows_(from, to, into, {joined_ * channels_, rows, joined_ * steps[1], joined_ * steps[0]});
      if (rest == 0) return;
      const int64_t done = pixels - rest;
      rows_(from + done * steps[1], to, into + done * steps[0], {rest * channels_});
    });
  });
}

}  // namespace octavo
