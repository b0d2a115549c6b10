// The operands of an attention, read from a step's description and checked.
#pragma once

#include <optional>

#include "contract/step.h"
#include "steps/products/byte_parameters.h"

namespace octavo {

// softmax(query key^T * scale + mask) value, for each of the leading extents: query [..., queries, width],
// key
// [..., length, width], value [..., length, result width], all float32, all bfloat16 or all 8-bit integers.
struct AttentionProblem {
  // Throws std::invalid_argument.
  explicit AttentionProblem(const StepSpec& spec);

  size_t rank() const { return query.shape.size(); }
  int64_t queries() const { return query.shape[rank() - 2]; }
  int64_t width() const { return query.shape[rank() - 1]; }
  int64_t length() const { return key.shape[rank() - 2]; }
  int64_t result_width() const { return value.shape[rank() - 1]; }

  // Their extents.
  Dims scores() const;

  TensorDesc query, key, value, result;
  // Of booleans (true: attend), or of numbers to add; it broadcasts to the scores.
  std::optional<TensorDesc> mask;
  bool causal;
  float scale;
  // Heads of the query that share one of the key and the value: the extents before the last two differ by it.
  int64_t group = 1;
  // Of 8-bit integers: the softmax is then quantized to uint8 before the second product.
  struct Quantization {
    Parameters query, key, value, weights, result;
  };
  std::optional<Quantization> quantization;
};

}  // namespace octavo
