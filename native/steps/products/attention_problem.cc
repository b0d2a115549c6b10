#include "steps/products/attention_problem.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace octavo {

namespace {
// How many of the query's heads share one of `shape`; 0 if the leading extents do not fit.
int64_t group_of(const Dims& query, const Dims& shape) {
  const size_t rank = query.size();
  if (shape.size() != rank || rank < 2) return 0;
  if (rank == 2 || std::equal(shape.begin(), shape.end() - 2, query.begin())) return 1;
  const int64_t heads = query[rank - 3], shared = shape[rank - 3];
  const bool fits = std::equal(shape.begin(), shape.end() - 3, query.begin()) && shared > 0;
  return fits && heads % shared == 0 ? heads / shared : 0;
}

TensorDesc checked(const StepSpec& spec, size_t index, const char* what) {
  const auto& desc = spec.input(index, what).desc;
  const auto& query = spec.inputs[0].desc;
  if (group_of(query.shape, desc.shape) == 0)
    throw std::invalid_argument(
        std::string(what) + " must have the query's batch extents, or heads that divide the query's, got " +
        desc.to_string());
  const bool is_float = desc.dtype == DType::f32 || desc.dtype == DType::bf16;
  if (is_byte(query.dtype) ? !is_byte(desc.dtype) : !is_float || desc.dtype != query.dtype)
    throw std::invalid_argument(std::string(what) +
                                ": float32 expected, or bfloat16 or 8-bit integers for all three, got " +
                                desc.to_string());
  if (desc.numel() == 0) throw std::invalid_argument(std::string(what) + " is empty");
  return desc;
}

TensorDesc checked_mask(const StepSpec& spec, const Dims& scores) {
  const auto& desc = spec.input(3, "the mask").desc;
  if (desc.dtype != DType::boolean && desc.dtype != DType::f32 && desc.dtype != DType::bf16)
    throw std::invalid_argument("the mask must be bool, float32 or bfloat16, got " + desc.to_string());
  bool fits = desc.shape.size() <= scores.size();
  for (size_t i = 0; fits && i < desc.shape.size(); i++) {
    const int64_t extent = desc.shape[desc.shape.size() - 1 - i];
    fits = extent == 1 || extent == scores[scores.size() - 1 - i];
  }
  if (!fits) throw std::invalid_argument("the mask must broadcast to the scores, got " + desc.to_string());
  return desc;
}

bool can_hold(const TensorDesc& result, const TensorDesc& query) {
  if (!is_byte(query.dtype)) return result.dtype == query.dtype;
  return is_byte(result.dtype) || result.dtype == DType::f32 || result.dtype == DType::bf16;
}
}  // namespace

Dims AttentionProblem::scores() const {
  Dims scores = query.shape;
  scores.back() = length();
  return scores;
}

AttentionProblem::AttentionProblem(const StepSpec& spec)
    : query(checked(spec, 0, "the query")),
      key(checked(spec, 1, "the key")),
      value(checked(spec, 2, "the value")),
      result(spec.outputs.at(0)),
      causal(spec.attributes.boolean("causal", false)),
      scale(static_cast<float>(spec.attributes.number("scale", 1 / std::sqrt(static_cast<double>(width()))))),
      group(group_of(query.shape, key.shape)) {
  if (key.shape.back() != width() || value.shape[rank() - 2] != length())
    throw std::invalid_argument("query and key must have the same width, key and value the same length");
  if (group_of(query.shape, value.shape) != group)
    throw std::invalid_argument("key and value must have the same heads");
  if (spec.inputs.size() > 3) mask = checked_mask(spec, scores());
  Dims expected = query.shape;
  expected.back() = result_width();
  if (result.shape != expected || !can_hold(result, query))
    throw std::invalid_argument("the output must be " + TensorDesc{query.dtype, expected, {}}.to_string() +
                                (is_byte(query.dtype) ? " or of floats, got " : ", got ") +
                                result.to_string());
  if (!is_byte(query.dtype)) return;
  const auto read = [&](const char* name, DType dtype) {
    return read_parameters(spec.attributes, name, dtype);
  };
  quantization = {read("query", query.dtype), read("key", key.dtype), read("value", value.dtype),
                  read("weight", DType::u8), read("output", result.dtype)};
}

}  // namespace octavo
