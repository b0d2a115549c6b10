// What a convolution or matmul does with its accumulator before it stores it: scales, zero points, an added
// tensor and a pointwise function, as one description for both oneDNN APIs.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "onednn/primitive.h"

namespace octavo::onednn {

struct Unary {
  // relu, leaky_relu, hardtanh, hardswish, hardsigmoid, swish, gelu_erf, gelu_tanh, sigmoid, tanh
  std::string algorithm;
  float alpha = 0;  // leaky_relu: negative slope; hardtanh: lower bound
  float beta = 0;   // hardtanh: upper bound
};

// A tensor of the destination's shape: (value - zero_point) * scale is added.
struct Addend {
  DType dtype = DType::f32;
  float scale = 1;
  int32_t zero_point = 0;
};

// How the addend reaches the primitive.
enum class AddendForm {
  sum,    // it lies in the destination's buffer, in the destination's layout
  binary  // a buffer of its own, in the destination's layout
};

// destination = unary(sum((src - src_zero_point) * weights) * src_scale * weight_scales + bias + addend)
//               / dst_scale + dst_zero_point
struct Fusion {
  float src_scale = 1;
  int32_t src_zero_point = 0;
  // The source's scale and zero point come with every run instead (SourceAtRunTime); allowed without padding.
  bool src_at_run_time = false;
  std::vector<float> weight_scales = {1};  // one, or one per output channel
  // Where they are known: sums of each output channel's weights. The source's zero point then goes into the
  // bias; allowed only where every weight meets a source element, that is without padding.
  std::vector<int32_t> weight_sums;
  std::optional<Addend> addend;
  std::optional<Unary> unary;
  float dst_scale = 1;
  int32_t dst_zero_point = 0;
};

// bias' = bias * factor + offset, per output channel: what the primitive wants in place of the bias.
struct BiasTransform {
  std::vector<float> factor;
  std::vector<float> offset;
};

// The parameters of a source that is quantized anew at every run. oneDNN 2.x runs scales and zero points that
// it learns late on its slowest kernels, so the integer product stays as it is when they are known: the scale
// is multiplied in afterwards, and the zero point goes into the bias.
struct SourceAtRunTime {
  dnnl::memory scale;                // one float32, bound to the primitive
  std::vector<float> weight_scales;  // one per output channel: what the primitive scales the weights by

  // Sets the parameters and writes the bias for them. `bias`: transformed for a source of scale 1;
  // `weight_sums`: of each output channel.
  void set(float src_scale, int32_t zero_point, const std::vector<int32_t>& weight_sums,
           const std::vector<float>& bias, float* written);
};

// A Fusion in terms of one primitive.
struct FusedAttributes {
  dnnl::primitive_attr attributes;
  std::vector<std::pair<int, dnnl::memory>> arguments;  // constant run-time arguments: scales, zero points
  BiasTransform bias;
  bool needs_bias = false;  // even where the model has none: it carries zero points
  std::optional<SourceAtRunTime> source;
  int addend_argument = 0;           // the binary form's argument; 0 without one
  dnnl::memory::desc addend_layout;  // the destination's layout, in the addend's element type
};

// Where a primitive has its output channels.
struct ChannelMasks {
  int weights;
  int dst;
};

// Zero points become part of the bias wherever they can: with them as attributes, oneDNN 2.6 falls from its
// brgemm kernels to older ones that take up to twice as long, and 3.x computes compensations for nothing.
FusedAttributes make_fused_attributes(const Fusion& fusion, AddendForm form, const dnnl::memory::desc& dst,
                                      int64_t channels, ChannelMasks masks);

}  // namespace octavo::onednn
