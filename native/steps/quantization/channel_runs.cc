#include "steps/quantization/channel_runs.h"

#include <stdexcept>
#include <string>

namespace octavo {

ChannelRuns channel_runs(const StepSpec& spec, const TensorDesc& x) {
  const int64_t axis = spec.attributes.integer("axis", -1), rank = static_cast<int64_t>(x.shape.size());
  if (x.dtype != DType::f32)
    throw std::invalid_argument("fake quantization is of float32, got " + x.to_string());
  if (axis >= rank) throw std::invalid_argument("there is no axis " + std::to_string(axis));
  if (axis < 0) return {1, 1, x.numel()};
  if (!x.is_contiguous())
    throw std::invalid_argument("channels are quantized row-major, got " + x.to_string());
  ChannelRuns runs;
  for (int64_t i = 0; i < rank; i++)
    (i < axis ? runs.outer : i == axis ? runs.channels : runs.inner) *= x.shape[static_cast<size_t>(i)];
  return runs;
}

void check_alike(const TensorDesc& a, const TensorDesc& b) {
  bool same = a.shape == b.shape && a.dtype == b.dtype;
  for (size_t i = 0; same && i < a.shape.size(); i++) same = a.shape[i] < 2 || a.strides[i] == b.strides[i];
  const auto bytes = static_cast<size_t>(a.numel()) * sizeof(float);
  if (!same || a.span_bytes() != bytes)
    throw std::invalid_argument("all tensors must be " + a.to_string() + " in one dense order");
}

void check_state(const TensorDesc& desc, DType dtype, int64_t count, const char* what) {
  if (desc.dtype != dtype || desc.numel() != count || !desc.is_contiguous())
    throw std::invalid_argument(std::string(what) + ": " + dtype_name(dtype) + "[" + std::to_string(count) +
                                "] expected, got " + desc.to_string());
}

QuantizedRange::QuantizedRange(const Attributes& attributes)
    : lowest(static_cast<int32_t>(attributes.integer("quantMin"))),
      highest(static_cast<int32_t>(attributes.integer("quantMax"))) {
  // Integers beyond have no float32 of their own.
  constexpr int64_t kMost = 1 << 24;
  if (lowest >= highest || int64_t{highest} - lowest > kMost)
    throw std::invalid_argument("quantMin must be below quantMax, by at most " + std::to_string(kMost));
}

}  // namespace octavo
