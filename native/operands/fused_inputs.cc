#include "operands/fused_inputs.h"

#include <cmath>
#include <stdexcept>

namespace octavo {

namespace {
// Source, weight and destination element types that compute together.
void check_dtypes(const StepSpec& spec) {
  const DType src = spec.inputs[0].desc.dtype, weight = spec.inputs[1].desc.dtype,
              dst = spec.outputs[0].dtype;
  const auto refuse = [&](const std::string& what) {
    throw std::invalid_argument(std::string("input of dtype ") + dtype_name(src) + ": " + what);
  };
  if (is_byte(src)) {
    if (weight != DType::s8) refuse(std::string("weight must be int8, got ") + dtype_name(weight));
    if (!is_byte(dst) && dst != DType::f32 && dst != DType::bf16)
      refuse(std::string("output must be uint8, int8, float32 or bfloat16, got ") + dtype_name(dst));
  } else if (src == DType::f32) {
    if (weight != DType::f32) refuse(std::string("weight must be float32, got ") + dtype_name(weight));
    if (dst != DType::f32) refuse(std::string("output must be float32, got ") + dtype_name(dst));
  } else if (src == DType::bf16) {
    if (weight != DType::bf16 && weight != DType::f32)
      refuse(std::string("weight must be bfloat16 or float32, got ") + dtype_name(weight));
    if (dst != DType::bf16 && dst != DType::f32)
      refuse(std::string("output must be bfloat16 or float32, got ") + dtype_name(dst));
  } else {
    refuse("must be uint8, int8, float32 or bfloat16");
  }
}

float read_scale(const Attributes& attributes, const char* name) {
  const double value = attributes.number(name, 1);
  const auto scale = static_cast<float>(value);
  // Its reciprocal is used too.
  if (!(scale > 0) || !std::isnormal(scale) || !std::isnormal(1 / scale))
    throw std::invalid_argument(std::string(name) + " must be a finite positive float32, got " +
                                std::to_string(value));
  return scale;
}

int32_t read_zero_point(const Attributes& attributes, const char* name, DType dtype) {
  const int64_t value = attributes.integer(name, 0);
  if (value == 0) return 0;
  if (!is_byte(dtype))
    throw std::invalid_argument(std::string(name) + " must be 0 for " + dtype_name(dtype) + ", got " +
                                std::to_string(value));
  const int64_t low = dtype == DType::u8 ? 0 : -128;
  if (value < low || value > low + 255)
    throw std::invalid_argument(std::string(name) + " must lie in " + dtype_name(dtype) + "'s range " +
                                std::to_string(low) + ".." + std::to_string(low + 255) + ", got " +
                                std::to_string(value));
  return static_cast<int32_t>(value);
}

std::vector<float> read_weight_scales(const Attributes& attributes, int64_t channels) {
  if (!attributes.has("weightScales")) return {1};
  auto scales = attributes.floats("weightScales");
  if (scales.size() != 1 && static_cast<int64_t>(scales.size()) != channels)
    throw std::invalid_argument("weightScales must hold 1 or " + std::to_string(channels) + " numbers, got " +
                                std::to_string(scales.size()));
  for (size_t i = 0; i < scales.size(); i++)
    if (!(scales[i] > 0) || !std::isnormal(scales[i]) || !std::isnormal(1 / scales[i]))
      throw std::invalid_argument("weightScales[" + std::to_string(i) +
                                  "] must be a finite positive float32, got " + std::to_string(scales[i]));
  return scales;
}

std::optional<onednn::Unary> read_unary(const Attributes& attributes) {
  const std::string name = attributes.text("unary", "none");
  if (name == "none") return std::nullopt;
  onednn::Unary unary{name, 0, 0};
  if (name == "leaky_relu") unary.alpha = static_cast<float>(attributes.number("unaryAlpha"));
  if (name == "hardtanh") {
    unary.alpha = static_cast<float>(attributes.number("unaryAlpha"));
    unary.beta = static_cast<float>(attributes.number("unaryBeta"));
    if (!(unary.alpha <= unary.beta))
      throw std::invalid_argument("hardtanh's lower bound " + std::to_string(unary.alpha) +
                                  " must not be above its upper bound " + std::to_string(unary.beta));
  }
  if (!std::isfinite(unary.alpha)) throw std::invalid_argument("unaryAlpha must be finite");
  return unary;
}

std::optional<onednn::Addend> read_addend(const StepSpec& spec) {
  const std::string binary = spec.attributes.text("binary", "none");
  if (binary == "none") return std::nullopt;
  if (binary != "sum") throw std::invalid_argument("binary must be 'none' or 'sum', got '" + binary + "'");
  const auto& desc = spec.inputs.back().desc;
  if (!is_byte(desc.dtype) && desc.dtype != DType::f32 && desc.dtype != DType::bf16)
    throw std::invalid_argument(std::string("the addend must be uint8, int8, float32 or bfloat16, got ") +
                                dtype_name(desc.dtype));
  if (desc.shape != spec.outputs[0].shape)
    throw std::invalid_argument("the addend " + desc.to_string() + " must have the output's shape " +
                                spec.outputs[0].to_string());
  return onednn::Addend{desc.dtype, read_scale(spec.attributes, "addScale"),
                        read_zero_point(spec.attributes, "addZeroPoint", desc.dtype)};
}
}  // namespace

FusedInputs read_inputs(const StepSpec& spec, int64_t channels) {
  const bool has_bias = spec.attributes.boolean("hasBias", false);
  const bool has_addend = spec.attributes.text("binary", "none") != "none";
  const bool dynamic = spec.attributes.boolean("dynamicSource", false);
  const int bias_index = dynamic ? 4 : 2;
  const size_t expected = bias_index + has_bias + has_addend;
  if (spec.inputs.size() != expected)
    throw std::invalid_argument("takes " + std::to_string(expected) + " inputs (dynamicSource " +
                                (dynamic ? "true" : "false") + ", hasBias " + (has_bias ? "true" : "false") +
                                ", binary '" + spec.attributes.text("binary", "none") + "'), got " +
                                std::to_string(spec.inputs.size()));
  if (has_bias) {
    const auto& bias = spec.inputs[bias_index].desc;
    const bool fits =
        bias.dtype == DType::f32 || (bias.dtype == DType::bf16 && spec.inputs[0].desc.dtype == DType::bf16);
    if (!fits || bias.shape != Dims{channels} || !bias.is_contiguous())
      throw std::invalid_argument("the bias must be float32[" + std::to_string(channels) +
                                  "] (or bfloat16 where the input is), got " + bias.to_string());
  }
  return {dynamic ? 2 : -1, dynamic ? 3 : -1, has_bias ? bias_index : -1,
          has_addend ? static_cast<int>(expected) - 1 : -1};
}

onednn::Fusion read_fusion(const StepSpec& spec, int64_t channels) {
  check_dtypes(spec);
  const auto& attributes = spec.attributes;
  const DType src = spec.inputs[0].desc.dtype, dst = spec.outputs[0].dtype;
  onednn::Fusion fusion;
  fusion.src_at_run_time = attributes.boolean("dynamicSource", false);
  if (fusion.src_at_run_time && (!is_byte(src) || spec.op != "linear"))
    throw std::invalid_argument("dynamicSource is for linear layers of int8 and uint8 inputs");
  if (fusion.src_at_run_time && (attributes.has("xScale") || attributes.has("xZeroPoint")))
    throw std::invalid_argument("with dynamicSource, xScale and xZeroPoint are inputs");
  if (is_byte(src)) {
    fusion.src_scale = read_scale(attributes, "xScale");
    fusion.src_zero_point = read_zero_point(attributes, "xZeroPoint", src);
    fusion.weight_scales = read_weight_scales(attributes, channels);
  } else {
    for (const char* name : {"xScale", "xZeroPoint", "weightScales"})
      if (attributes.has(name))
        throw std::invalid_argument(std::string(name) + " is for int8 and uint8 inputs, not for " +
                                    dtype_name(src));
  }
  if (is_byte(dst)) {
    fusion.dst_scale = read_scale(attributes, "outputScale");
    fusion.dst_zero_point = read_zero_point(attributes, "outputZeroPoint", dst);
  } else if (attributes.number("outputScale", 1) != 1 || attributes.integer("outputZeroPoint", 0) != 0) {
    throw std::invalid_argument(std::string("outputScale must be 1 and outputZeroPoint 0 for an output of ") +
                                dtype_name(dst));
  }
  fusion.addend = read_addend(spec);
  fusion.unary = read_unary(attributes);
  return fusion;
}

}  // namespace octavo
