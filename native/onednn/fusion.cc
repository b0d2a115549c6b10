#include "onednn/fusion.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace octavo::onednn {

namespace {
using algorithm = dnnl::algorithm;

struct Eltwise {
  algorithm kind;
  float alpha;
  float beta;
};

// clamp(slope * x + intercept): a function that can be merged with the scales and the bias, except for the
// clamp.
struct Clamp {
  float slope = 1, intercept = 0;
  float low = -std::numeric_limits<float>::infinity(), high = std::numeric_limits<float>::infinity();
};

std::optional<Clamp> as_clamp(const std::optional<Unary>& unary) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  if (!unary) return Clamp{};
  if (unary->algorithm == "relu") return Clamp{1, 0, 0, infinity};
  if (unary->algorithm == "hardtanh") return Clamp{1, 0, unary->alpha, unary->beta};
  if (unary->algorithm == "hardsigmoid") return Clamp{1.f / 6, 0.5f, 0, 1};
  return std::nullopt;
}

Eltwise as_eltwise(const Unary& unary) {
  const auto& name = unary.algorithm;
  if (name == "leaky_relu") return {algorithm::eltwise_relu, unary.alpha, 0};
  if (name == "swish") return {algorithm::eltwise_swish, 1, 0};
  if (name == "gelu_erf") return {algorithm::eltwise_gelu_erf, 0, 0};
  if (name == "gelu_tanh") return {algorithm::eltwise_gelu_tanh, 0, 0};
  if (name == "sigmoid") return {algorithm::eltwise_logistic, 0, 0};
  if (name == "tanh") return {algorithm::eltwise_tanh, 0, 0};
  // 2.x has fixed coefficients and ignores these.
  if (name == "hardswish") return {algorithm::eltwise_hardswish, 1.f / 6, 0.5f};
  throw std::invalid_argument("unknown unary '" + name + "'");
}

// The chain after the accumulator, in an order that both APIs can express:
//   accumulator * pre_factor + (bias * pre_factor + offset) -> sum or binary -> eltwises
class Chain {
 public:
  float pre_factor = 1;  // in addition to source and weight scales
  float offset = 0;
  float sum_scale = 1;
  std::vector<Eltwise> eltwises;

  Chain(const Fusion& fusion, AddendForm form) {
    const float quantize = 1 / fusion.dst_scale;
    const auto zero_point = static_cast<float>(fusion.dst_zero_point);
    // A binary post-op adds the addend's raw numbers, so everything is converted to its units first.
    const bool binary = fusion.addend && form == AddendForm::binary;
    const float unit = binary ? fusion.addend->scale : 1;
    // x: the value after the addition, in those units.
    if (const auto clamp = as_clamp(fusion.unary)) {
      // A source without scales is float. 2.6 has no output scales for it on AVX2, so a slope becomes a
      // function.
      const bool unscaled =
          fusion.src_scale == 1 && fusion.weight_scales == std::vector<float>{1} && quantize == 1;
      finish_linear(clamp->slope * quantize, clamp->intercept * quantize + zero_point, unit,
                    binary || unscaled);
      add_bounds(clamp->low * quantize + zero_point, clamp->high * quantize + zero_point);
    } else if (fusion.unary->algorithm == "leaky_relu") {  // leaky_relu(c * x) = c * leaky_relu(x)
      pre_factor = binary ? 1 / unit : quantize;
      eltwises.push_back(as_eltwise(*fusion.unary));
      add_linear(quantize / pre_factor, zero_point);
    } else {
      pre_factor = 1 / unit;
      add_linear(unit, 0);
      eltwises.push_back(as_eltwise(*fusion.unary));
      add_linear(quantize, zero_point);
    }
    if (fusion.addend) {
      sum_scale = fusion.addend->scale * pre_factor;
      offset -= static_cast<float>(fusion.addend->zero_point) * sum_scale;
    }
  }

 private:
  // factor * x + shift: merged with the scales and the bias, or computed `afterwards` if another operation
  // precedes it.
  void finish_linear(float factor, float shift, float unit, bool afterwards) {
    pre_factor = afterwards ? 1 / unit : factor;
    if (!afterwards || factor * unit == 1)
      offset = shift;
    else
      add_linear(factor * unit, shift);
  }

  void add_linear(float factor, float shift) {
    if (factor != 1 || shift != 0) eltwises.push_back({algorithm::eltwise_linear, factor, shift});
  }

  void add_bounds(float low, float high) {
    constexpr float limit = std::numeric_limits<float>::max();
    if (low < -limit && high > limit) return;
    if (low == 0 && high > limit)
      eltwises.push_back({algorithm::eltwise_relu, 0, 0});
    else
      eltwises.push_back({algorithm::eltwise_clip, std::max(low, -limit), std::min(high, limit)});
  }
};

void append_eltwise(dnnl::post_ops& post_ops, const Eltwise& eltwise) {
#if OCTAVO_ONEDNN_3
  post_ops.append_eltwise(eltwise.kind, eltwise.alpha, eltwise.beta);
#else
  // 2.x keeps one function of each kind per kernel: a second one would compute with the first one's
  // coefficients.
  for (int i = 0; i < post_ops.len(); i++) {
    if (post_ops.kind(i) != dnnl::primitive::kind::eltwise) continue;
    float scale, alpha, beta;
    algorithm kind;
    post_ops.get_params_eltwise(i, scale, kind, alpha, beta);
    if (kind == eltwise.kind)
      throw dnnl::error(dnnl_unimplemented, "two functions of a kind in one primitive");
  }
  post_ops.append_eltwise(1, eltwise.kind, eltwise.alpha, eltwise.beta);
#endif
}

#if OCTAVO_ONEDNN_3
template <typename T>
dnnl::memory vector_memory(const std::vector<T>& values, dnnl::memory::data_type type) {
  dnnl::memory memory({{static_cast<int64_t>(values.size())}, type, dnnl::memory::dims{1}}, engine());
  std::copy(values.begin(), values.end(), static_cast<T*>(memory.get_data_handle()));
  return memory;
}
#endif
}  // namespace

size_t SourceAtRunTime::scale_count() const { return OCTAVO_ONEDNN_3 ? 1 : channels(); }

void SourceAtRunTime::set(float src_scale, int32_t zero_point, const int32_t* weight_sums, const float* bias,
                          float* scales, float* written) const {
  for (size_t i = 0; i < scale_count(); i++)
    scales[i] = OCTAVO_ONEDNN_3 ? src_scale : src_scale * weight_scales[i];
  const auto shift = static_cast<float>(zero_point);
  for (size_t channel = 0; channel < channels(); channel++) {
    const float scale = src_scale * weight_scales[channel];
    const float excess = shift * static_cast<float>(weight_sums[channel]);
    const float wanted = (bias ? bias[channel] * bias_factor : 0) + bias_offset;
    // 2.x adds the bias before it scales, 3.x after.
    written[channel] = OCTAVO_ONEDNN_3 ? wanted - excess * scale : wanted / scale - excess;
  }
}

FusedAttributes make_fused_attributes(const Fusion& fusion, AddendForm form, const dnnl::memory::desc& dst,
                                      int64_t channels, ChannelMasks masks) {
  const Chain chain(fusion, form);
  FusedAttributes result;
  result.attributes = base_attributes();

  std::vector<float> scales = fusion.weight_scales;
  for (auto& scale : scales) scale *= fusion.src_scale * chain.pre_factor;
  const bool scaled = std::any_of(scales.begin(), scales.end(), [](float scale) { return scale != 1; });
  if (fusion.src_at_run_time) {
    result.source.emplace();
    result.source->bias_factor = chain.pre_factor;
    result.source->bias_offset = chain.offset;
    result.source->weight_scales = scales;
    if (scales.size() == 1) result.source->weight_scales.resize(static_cast<size_t>(channels), scales[0]);
    result.needs_bias = true;
  }

  for (int64_t channel = 0; channel < channels && !result.source; channel++) {
    const float scale = scales.size() == 1 ? scales[0] : scales[channel];
    // 2.x adds the bias before it scales, 3.x after.
    const float divisor = OCTAVO_ONEDNN_3 ? 1 : scale;
    float offset = chain.offset / divisor;
    if (!fusion.weight_sums.empty()) {
      // In the accumulator's units a whole number: the sum that it is taken from is as large, and may cancel
      // it.
      const auto excess = static_cast<float>(int64_t{fusion.src_zero_point} * fusion.weight_sums[channel]);
      offset -= excess * (scale / divisor);
    }
    if (offset != 0) result.needs_bias = true;
    result.bias.factor.push_back(chain.pre_factor / divisor);
    result.bias.offset.push_back(offset);
  }

  dnnl::post_ops post_ops;
#if !OCTAVO_ONEDNN_3
  if (result.source) {
    Dims extents(static_cast<size_t>(dst.data.ndims), 1);
    for (size_t axis = 0; axis < extents.size(); axis++)
      if (masks.dst >> axis & 1) extents[axis] = channels;
    result.scales_layout = {extents, dnnl::memory::data_type::f32, row_major_strides(extents)};
    result.source->scales_argument = DNNL_ARG_ATTR_MULTIPLE_POST_OP(post_ops.len()) | DNNL_ARG_SRC_1;
    post_ops.append_binary(algorithm::binary_mul, result.scales_layout);
  }
#endif
  if (fusion.addend) {
    const auto type = to_onednn(fusion.addend->dtype);
    result.addend_layout = with_type(dst, type);
    if (form == AddendForm::sum) {
      post_ops.append_sum(chain.sum_scale, 0, type);
    } else {
      result.addend_argument = DNNL_ARG_ATTR_MULTIPLE_POST_OP(post_ops.len()) | DNNL_ARG_SRC_1;
      post_ops.append_binary(algorithm::binary_add, result.addend_layout);
    }
  }
  for (const auto& eltwise : chain.eltwises) append_eltwise(post_ops, eltwise);
  result.attributes.set_post_ops(post_ops);

  const bool zero_point = fusion.src_zero_point != 0 && fusion.weight_sums.empty();
#if OCTAVO_ONEDNN_3
  if (result.source) {
    result.scales_layout = {{1}, dnnl::memory::data_type::f32, dnnl::memory::dims{1}};
    result.source->scales_argument = DNNL_ARG_ATTR_SCALES | DNNL_ARG_SRC;
    result.attributes.set_scales_mask(DNNL_ARG_SRC, 0);
  }
  if (scaled) {
    result.attributes.set_scales_mask(DNNL_ARG_WEIGHTS, scales.size() == 1 ? 0 : masks.weights);
    result.arguments.emplace_back(DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS,
                                  vector_memory(scales, dnnl::memory::data_type::f32));
  }
  if (zero_point) {
    result.attributes.set_zero_points_mask(DNNL_ARG_SRC, 0);
    result.arguments.emplace_back(
        DNNL_ARG_ATTR_ZERO_POINTS | DNNL_ARG_SRC,
        vector_memory(std::vector<int32_t>{fusion.src_zero_point}, dnnl::memory::data_type::s32));
  }
#else
  if (scaled && !result.source)
    result.attributes.set_output_scales(scales.size() == 1 ? 0 : masks.dst, scales);
  if (zero_point) result.attributes.set_zero_points(DNNL_ARG_SRC, 0, {fusion.src_zero_point});
#endif
  return result;
}

}  // namespace octavo::onednn
