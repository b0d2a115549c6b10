#include "steps/normalization/channel_requantization.h"

#include "kernels/parallel.h"
#include "rows/row_blocks.h"

namespace octavo {

namespace {
constexpr int64_t kBlock = 16 * 1024;  // elements a thread takes at a time

// As an operand of the loop nest it keeps a row to one pixel: the loops over channels and pixels do not
// merge.
Dims channel_strides(size_t rank) {
  Dims strides(rank, 0);
  strides[1] = 1;
  return strides;
}
}  // namespace

bool ChannelRequantization::takes(const TensorDesc& x, const TensorDesc& y) {
  return is_byte(x.dtype) && is_byte(y.dtype) && y.shape[1] > 1 && x.strides[1] == 1 && y.strides[1] == 1;
}

ChannelRequantization::ChannelRequantization(const PointwiseOperand& x, const PointwiseOperand& y,
                                             std::pair<float, float> clamp)
    : row_(kernels::requantize_row(x.desc.dtype, y.desc.dtype)),
      x_(x.affine),
      y_(y.affine),
      low_(kernels::bound(clamp.first, static_cast<float>(1 / y.affine.scale))),
      high_(kernels::bound(clamp.second, static_cast<float>(1 / y.affine.scale))),
      numel_(y.desc.numel()),
      channels_(y.desc.shape[1]),
      nest_(y.desc.shape, {y.desc.strides, x.desc.strides, channel_strides(y.desc.shape.size())}),
      factor_(channels_),
      offset_(channels_) {}

void ChannelRequantization::prepare(const std::vector<float>& scale, const std::vector<float>& shift) {
  for (int64_t c = 0; c < channels_; c++) {
    const double factor = x_.scale * scale[c];
    factor_[c] = static_cast<float>(factor / y_.scale);
    offset_[c] = static_cast<float>((shift[c] - x_.zero_point * factor) / y_.scale);
  }
}

void ChannelRequantization::execute(const void* x, void* y) const {
  if (numel_ == 0) return;
  const kernels::Requantization to{factor_.data(), offset_.data(), {},
                                   low_,           high_,          static_cast<int32_t>(y_.zero_point)};
  const RowBlocks blocks(nest_, kBlock);
  kernels::parallel_for(blocks.count(), 2 * numel_, [&](int64_t block) {
    blocks.each_row(block, [&](const int64_t* offsets) {
      row_(static_cast<const char*>(x) + offsets[1], to, static_cast<char*>(y) + offsets[0], channels_);
    });
  });
}

}  // namespace octavo
