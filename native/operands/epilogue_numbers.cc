#include "operands/epilogue_numbers.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace octavo {

namespace {
using kernels::Added;
using kernels::Function;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// slope * x + intercept, between two bounds.
struct Clamp {
  float slope = 1, intercept = 0, low = -kInfinity, high = kInfinity;
};

std::optional<Clamp> as_clamp(const std::optional<onednn::Unary>& unary) {
  if (!unary) return Clamp{};
  if (unary->algorithm == "relu") return Clamp{1, 0, 0, kInfinity};
  if (unary->algorithm == "hardtanh") return Clamp{1, 0, unary->alpha, unary->beta};
  if (unary->algorithm == "hardsigmoid") return Clamp{1.f / 6, 0.5f, 0, 1};
  return std::nullopt;
}

const std::map<std::string, Function> curves = {
    {"leaky_relu", Function::leaky_relu},
    {"hardswish", Function::hardswish},
    {"swish", Function::swish},
    {"sigmoid", Function::sigmoid},
    {"tanh", Function::tanh},
    {"gelu_erf", Function::gelu_erf},
    {"gelu_tanh", Function::gelu_tanh},
};

// Of results before they are clamped to bytes. The largest offset is a multiple, which prevails.
constexpr float kLargest = 1 << 28, kLargestOffset = 1 << 30;

// How much larger than its argument a function may become.
float steepest(const onednn::Fusion& fusion) {
  const bool is_leaky = fusion.unary && fusion.unary->algorithm == "leaky_relu";
  return is_leaky ? std::max(1.f, std::abs(fusion.unary->alpha)) : 1;
}

// The flip that makes a signed byte the unsigned one 128 above it.
uint8_t flip_of(DType dtype) { return dtype == DType::s8 ? 0x80 : 0; }
// A zero point after the flip.
float flipped(int32_t zero_point, DType dtype) { return static_cast<float>(zero_point + flip_of(dtype)); }
}  // namespace

bool EpilogueNumbers::is_line(const onednn::Unary& unary) { return as_clamp(unary).has_value(); }

std::optional<std::string> EpilogueNumbers::refusal(const onednn::Fusion& fusion, DType dst,
                                                    int64_t largest_sum) {
  if (!is_byte(dst) && dst != DType::f32) return std::string("writes no ") + dtype_name(dst);
  if (fusion.addend && !is_byte(fusion.addend->dtype) && fusion.addend->dtype != DType::f32)
    return std::string("adds no ") + dtype_name(fusion.addend->dtype);
  if (!as_clamp(fusion.unary) && curves.count(fusion.unary->algorithm) == 0)
    return "has no " + fusion.unary->algorithm;
  if (!is_byte(dst)) return std::nullopt;
  constexpr const char* kTooLarge = "results may not fit 32 bits";
  // A scale of which nothing is known yet, or one by which even 1, a curve's bound, becomes too large.
  if (fusion.src_at_run_time || 1 / fusion.dst_scale > kLargest) return kTooLarge;
  const auto& scales = fusion.weight_scales;
  double largest = fusion.src_scale * double{*std::max_element(scales.begin(), scales.end())} *
                   static_cast<double>(largest_sum);
  if (fusion.addend && is_byte(fusion.addend->dtype)) largest += 255 * double{fusion.addend->scale};
  if (largest * steepest(fusion) / fusion.dst_scale > kLargest) return kTooLarge;
  return std::nullopt;
}

EpilogueNumbers::EpilogueNumbers(const onednn::Fusion& fusion, DType dst, ChannelOrder order)
    : order_(std::move(order)),
      weight_scales_(fusion.weight_scales),
      factor_(order_->size(), 0),
      offset_(order_->size(), 0) {
  const float quantize = 1 / fusion.dst_scale;
  const float zero_point = is_byte(dst) ? flipped(fusion.dst_zero_point, dst) : 0;
  auto& e = epilogue_;
  e.result_flip = flip_of(dst);
  if (const auto clamp = as_clamp(fusion.unary)) {
    // The line becomes part of the factors and offsets, which then lead to units of the destination.
    bias_unit_ = clamp->slope * quantize;
    base_ = clamp->intercept * quantize + zero_point;
    e.low = clamp->low * quantize + zero_point;
    e.high = clamp->high * quantize + zero_point;
    if (is_byte(dst)) {
      e.low = std::clamp(e.low, 0.f, 255.f);
      e.high = std::clamp(e.high, 0.f, 255.f);
    }
  } else {
    e.function = curves.at(fusion.unary->algorithm);
    e.slope = fusion.unary->alpha;
    e.scale = quantize;
    e.shift = zero_point;
    e.low = is_byte(dst) ? 0 : -kInfinity;
    e.high = is_byte(dst) ? 255 : kInfinity;
  }
  if (fusion.addend) {
    const auto& addend = *fusion.addend;
    e.added = is_byte(addend.dtype) ? Added::bytes : Added::floats;
    e.addend_flip = flip_of(addend.dtype);
    e.addend_scale = addend.scale * bias_unit_;
    if (is_byte(addend.dtype)) base_ -= flipped(addend.zero_point, addend.dtype) * e.addend_scale;
  }
  // In units of what the function reads.
  largest_offset_ = is_byte(dst) ? kLargestOffset / (steepest(fusion) * e.scale) : kInfinity;
  set_source_scale(fusion.src_scale);
  e.factor = factor_.data();
  e.offset = offset_.data();
}

void EpilogueNumbers::set_source_scale(float scale) {
  const auto& scales = weight_scales_;
  const auto& channels = *order_;
  for (size_t i = 0; i < channels.size(); i++)
    if (channels[i] >= 0) factor_[i] = scale * scales[scales.size() == 1 ? 0 : channels[i]] * bias_unit_;
}

void EpilogueNumbers::set_bias(const float* bias) {
  const auto& channels = *order_;
  for (size_t i = 0; i < channels.size(); i++) {
    const float offset = bias && channels[i] >= 0 ? bias[channels[i]] * bias_unit_ + base_ : base_;
    offset_[i] = std::clamp(offset, -largest_offset_, largest_offset_);
  }
}

}  // namespace octavo
