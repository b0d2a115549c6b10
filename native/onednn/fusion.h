// What a convolution or matmul applies to its accumulator before it stores it: scales, zero points, an added
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

// How the primitive receives the addend.
enum class AddendForm {
  sum,    // in the destination's buffer, in its layout
  binary  // in a separate buffer, in the destination's layout
};

// destination = unary(sum((src - src_zero_point) * weights) * src_scale * weight_scales + bias + addend)
//               / dst_scale + dst_zero_point
struct Fusion {
  float src_scale = 1;
  int32_t src_zero_point = 0;
  // Every run sets the source's scale and zero point (SourceAtRunTime). Not allowed with padding.
  bool src_at_run_time = false;
  std::vector<float> weight_scales = {1};  // one, or one per output channel
  // Sums of each output channel's weights, if known. The source's zero point then becomes part of the bias.
  // Allowed only if every weight meets a source element, that is without padding.
  std::vector<int32_t> weight_sums;
  std::optional<Addend> addend;
  std::optional<Unary> unary;
  float dst_scale = 1;
  int32_t dst_zero_point = 0;
};

// bias' = bias * factor + offset, per output channel: the bias that the primitive reads.
struct BiasTransform {
  std::vector<float> factor;
  std::vector<float> offset;
};

// The parameters of a source that is quantized with new parameters in every run. oneDNN 2.x computes with
// its slowest kernels if scales and zero points are run-time arguments. The integer product therefore stays
// the same: the result is multiplied by the scale, and the zero point becomes part of the bias. On 2.x the
// weights' scales are in that factor too: as attributes, they would make a primitive of its own, and half a
// millisecond of code generation, of every layer of a model.
struct SourceAtRunTime {
  int scales_argument = 0;           // of the primitive
  std::vector<float> weight_scales;  // one per output channel, with all that the product is multiplied by
  float bias_factor = 1, bias_offset = 0;

  size_t channels() const { return weight_scales.size(); }
  // Elements of the scales that the primitive reads.
  size_t scale_count() const;
  // Writes the scales and the bias that the primitive reads. `bias`: the layer's, or null; `weight_sums`:
  // those of each output channel.
  void set(float src_scale, int32_t zero_point, const int32_t* weight_sums, const float* bias, float* scales,
           float* written) const;
};

// A Fusion in the terms of one primitive.
struct FusedAttributes {
  dnnl::primitive_attr attributes;
  std::vector<std::pair<int, dnnl::memory>> arguments;  // constant run-time arguments: scales, zero points
  BiasTransform bias;                                   // of a source at run time: none
  bool needs_bias = false;                              // even if the model has none: it contains zero points
  std::optional<SourceAtRunTime> source;
  dnnl::memory::desc scales_layout;  // of the source's scales
  int addend_argument = 0;           // argument of the binary form; 0 without one
  dnnl::memory::desc addend_layout;  // the destination's layout, in the addend's element type
};

// The axis masks of a primitive's output channels.
struct ChannelMasks {
  int weights;
  int dst;
};

// Zero points become part of the bias wherever possible. As attributes, they make oneDNN 2.6 choose older
// kernels instead of brgemm, which take up to twice as long, and make 3.x compute needless compensations.
FusedAttributes make_fused_attributes(const Fusion& fusion, AddendForm form, const dnnl::memory::desc& dst,
                                      int64_t channels, ChannelMasks masks);

}  // namespace octavo::onednn
