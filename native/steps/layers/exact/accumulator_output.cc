#include "steps/layers/exact/accumulator_output.h"

#include <algorithm>

#include "kernels/arithmetic.h"

namespace octavo {

AccumulatorOutput::AccumulatorOutput(const StepSpec& spec, const onednn::Fusion& fusion, int64_t channels)
    : dst_(spec.outputs[0].dtype),
      dst_scale_(fusion.dst_scale),
      dst_zero_point_(static_cast<float>(fusion.dst_zero_point)),
      addend_(fusion.addend),
      unary_(spec.attributes),
      weight_scales_(fusion.weight_scales) {
  weight_scales_.resize(channels, weight_scales_[0]);
  const auto clamp = unary_.clamp();
  if (!is_byte(dst_) || !clamp || (addend_ && !is_byte(addend_->dtype))) return;
  at_once_ = kernels::requantize_rows(DType::s32, dst_);
  const float unit = 1 / dst_scale_;
  if (addend_)
    added_ = {nullptr, addend_->dtype == DType::s8, addend_->scale * unit,
              static_cast<float>(addend_->zero_point)};
  low_ = kernels::bound(clamp->first, unit);
  high_ = kernels::bound(clamp->second, unit);
}

void AccumulatorOutput::prepare(float src_scale, const float* bias) {
  const float unit = at_once_ ? 1 / dst_scale_ : 1;
  const size_t channels = weight_scales_.size();
  factor_.resize(channels * pixels_);
  offset_.resize(channels * pixels_);
  for (size_t i = 0; i < factor_.size(); i++) {
    factor_[i] = src_scale * weight_scales_[i % channels] * unit;
    offset_[i] = bias ? bias[i % channels] * unit : 0;
  }
}

void AccumulatorOutput::row(const int32_t* sums, int64_t channel, int64_t count, const void* addend,
                            void* dst) const {
  if (at_once_) {
    const kernels::Requantization to{factor_.data() + channel,
                                     offset_.data() + channel,
                                     {addend, added_.is_signed, added_.scale, added_.zero_point},
                                     low_,
                                     high_,
                                     static_cast<int32_t>(dst_zero_point_)};
    return at_once_(sums, to, dst, {count});
  }
  alignas(64) float values[kMaxChannels], added[kMaxChannels];
  float* result = dst_ == DType::f32 ? static_cast<float*>(dst) : values;
  const float *factor = factor_.data() + channel, *offset = offset_.data() + channel;
  if (!addend_) {
    kernels::scale_sums(sums, factor, offset, result, count);
  } else {
    kernels::scale_sums(sums, factor, offset, values, count);
    const auto* reals = static_cast<const float*>(addend);
    if (addend_->dtype != DType::f32) {
      kernels::load_row(addend_->dtype, addend, added, count, 1, static_cast<float>(addend_->zero_point));
      reals = added;
    }
    kernels::add_scaled_rows(values, reals, addend_->scale, result, count);
  }
  unary_.apply(result, count);
  if (result == dst) return;
  const auto range = is_byte(dst_) ? kernels::full_range(dst_) : kernels::QuantRange{0, 0};
  kernels::store_row(dst_, values, dst, count, 1 / dst_scale_, dst_zero_point_, range);
}

}  // namespace octavo
