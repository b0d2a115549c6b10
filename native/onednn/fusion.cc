#include "onednn/fusion.h"

#include <algorithm>
#include <stdexcept>

namespace octavo::onednn {

namespace {
using algorithm = dnnl::algorithm;

struct Eltwise {
  algorithm kind;
  float alpha;
  float beta;
};

// Whether f(c * x) = c * f(x) for c > 0 once the function's bounds are scaled by c too: such a function may
// be applied after the division by the destination's scale, which then costs nothing.
bool is_homogeneous(const Unary& unary) {
  return unary.algorithm == "relu" || unary.algorithm == "leaky_relu" || unary.algorithm == "hardtanh";
}

// The function on values that were multiplied by `factor` (1 unless is_homogeneous()).
std::vector<Eltwise> eltwises(const Unary& unary, float factor) {
  const auto& name = unary.algorithm;
  if (name == "relu") return {{algorithm::eltwise_relu, 0, 0}};
  if (name == "leaky_relu") return {{algorithm::eltwise_relu, unary.alpha, 0}};
  if (name == "hardtanh") return {{algorithm::eltwise_clip, unary.alpha * factor, unary.beta * factor}};
  if (name == "swish") return {{algorithm::eltwise_swish, 1, 0}};
  if (name == "gelu_erf") return {{algorithm::eltwise_gelu_erf, 0, 0}};
  if (name == "gelu_tanh") return {{algorithm::eltwise_gelu_tanh, 0, 0}};
  if (name == "sigmoid") return {{algorithm::eltwise_logistic, 0, 0}};
  if (name == "tanh") return {{algorithm::eltwise_tanh, 0, 0}};
#if OCTAVO_ONEDNN_3
  if (name == "hardswish") return {{algorithm::eltwise_hardswish, 1.f / 6, 0.5f}};
  if (name == "hardsigmoid") return {{algorithm::eltwise_hardsigmoid, 1.f / 6, 0.5f}};
#else
  if (name == "hardswish") return {{algorithm::eltwise_hardswish, 0, 0}};
  // 2.x has no hardsigmoid of its own.
  if (name == "hardsigmoid")
    return {{algorithm::eltwise_linear, 1.f / 6, 0.5f}, {algorithm::eltwise_clip, 0, 1}};
#endif
  throw std::invalid_argument("unknown unary '" + name + "'");
}

// The chain after the accumulator, in an order both APIs can say:
//   accumulator * pre_factor -> + bias -> sum or binary -> eltwises -> * post_factor -> + zero point
struct Chain {
  float pre_factor = 1;   // on top of source and weight scales
  float bias_offset = 0;  // after pre_factor
  float sum_scale = 1;
  std::vector<Eltwise> eltwises;
  float post_factor = 1;
};

Chain make_chain(const Fusion& fusion, AddendForm form) {
  Chain chain;
  const bool homogeneous = !fusion.unary || is_homogeneous(*fusion.unary);
  const bool binary = fusion.addend && form == AddendForm::binary;
  // A binary post-op adds the addend's raw numbers, so everything is brought to its units, its zero point by
  // way of the bias. A sum post-op has a scale and a zero point of its own.
  if (binary) {
    const float unit = fusion.addend->scale;
    chain.pre_factor = 1 / unit;
    chain.bias_offset = -static_cast<float>(fusion.addend->zero_point);
    chain.post_factor = (homogeneous ? unit : 1) / fusion.dst_scale;
    if (!homogeneous && unit != 1) chain.eltwises.push_back({algorithm::eltwise_linear, unit, 0});
  } else if (homogeneous) {
    chain.pre_factor = 1 / fusion.dst_scale;
  } else {
    chain.post_factor = 1 / fusion.dst_scale;
  }
  if (fusion.addend) chain.sum_scale = fusion.addend->scale * chain.pre_factor;
  if (fusion.unary)
    for (const auto& eltwise : eltwises(*fusion.unary, homogeneous ? chain.pre_factor : 1))
      chain.eltwises.push_back(eltwise);
  return chain;
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

bool needs_bias(const Fusion& fusion, AddendForm form) {
  return fusion.addend && form == AddendForm::binary && fusion.addend->zero_point != 0;
}

FusedAttributes make_fused_attributes(const Fusion& fusion, AddendForm form, const dnnl::memory::desc& dst,
                                      DType dst_dtype, int64_t channels, ChannelMasks masks) {
  const Chain chain = make_chain(fusion, form);
  FusedAttributes result;
  result.attributes = base_attributes();
  auto& attributes = result.attributes;

  std::vector<float> scales = fusion.weight_scales;
  for (auto& scale : scales) scale *= fusion.src_scale * chain.pre_factor;
  const bool scaled = std::any_of(scales.begin(), scales.end(), [](float scale) { return scale != 1; });
  const auto scale_of = [&](int64_t channel) { return scales.size() == 1 ? scales[0] : scales[channel]; };

  // 2.x adds the bias before it scales, 3.x after.
  const auto bias_divisor = [&](int64_t channel) { return OCTAVO_ONEDNN_3 ? 1.f : scale_of(channel); };
  for (int64_t channel = 0; channel < channels; channel++) {
    result.bias.factor.push_back(chain.pre_factor / bias_divisor(channel));
    result.bias.offset.push_back(chain.bias_offset / bias_divisor(channel));
  }

  dnnl::post_ops post_ops;
  if (fusion.addend) {
    const auto type = to_onednn(fusion.addend->dtype);
    result.addend_layout = with_type(dst, type);
    if (form == AddendForm::sum) {
      post_ops.append_sum(chain.sum_scale, fusion.addend->zero_point, type);
    } else {
      result.addend_argument = DNNL_ARG_ATTR_MULTIPLE_POST_OP(post_ops.len()) | DNNL_ARG_SRC_1;
      post_ops.append_binary(algorithm::binary_add, result.addend_layout);
    }
  }
  float post_factor = chain.post_factor;
#if OCTAVO_ONEDNN_3
  for (const auto& eltwise : chain.eltwises)
    post_ops.append_eltwise(eltwise.kind, eltwise.alpha, eltwise.beta);
  const bool dst_scale = post_factor != 1 && (dst_dtype == DType::u8 || dst_dtype == DType::s8);
  if (dst_scale) {
    attributes.set_scales_mask(DNNL_ARG_DST, 0);
    result.arguments.emplace_back(
        DNNL_ARG_ATTR_SCALES | DNNL_ARG_DST,
        vector_memory(std::vector<float>{1 / post_factor}, dnnl::memory::data_type::f32));
  } else if (post_factor != 1) {
    post_ops.append_eltwise(algorithm::eltwise_linear, post_factor, 0);
  }
  if (scaled) {
    attributes.set_scales_mask(DNNL_ARG_WEIGHTS, scales.size() == 1 ? 0 : masks.weights);
    result.arguments.emplace_back(DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS,
                                  vector_memory(scales, dnnl::memory::data_type::f32));
  }
  const auto set_zero_point = [&](int argument, int32_t value) {
    if (value == 0) return;
    attributes.set_zero_points_mask(argument, 0);
    result.arguments.emplace_back(DNNL_ARG_ATTR_ZERO_POINTS | argument,
                                  vector_memory(std::vector<int32_t>{value}, dnnl::memory::data_type::s32));
  };
#else
  (void)dst_dtype;
  for (size_t i = 0; i < chain.eltwises.size(); i++) {
    const auto& eltwise = chain.eltwises[i];
    const bool last = i + 1 == chain.eltwises.size();
    // 2.x multiplies a function's result for nothing.
    post_ops.append_eltwise(last ? post_factor : 1, eltwise.kind, eltwise.alpha, eltwise.beta);
    if (last) post_factor = 1;
  }
  if (post_factor != 1) post_ops.append_eltwise(1, algorithm::eltwise_linear, post_factor, 0);
  if (scaled) attributes.set_output_scales(scales.size() == 1 ? 0 : masks.dst, scales);
  const auto set_zero_point = [&](int argument, int32_t value) {
    if (value != 0) attributes.set_zero_points(argument, 0, {value});
  };
#endif
  set_zero_point(DNNL_ARG_SRC, fusion.src_zero_point);
  set_zero_point(DNNL_ARG_DST, fusion.dst_zero_point);
  attributes.set_post_ops(post_ops);
  return result;
}

}  // namespace octavo::onednn
