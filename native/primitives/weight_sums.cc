#include "primitives/weight_sums.h"

#include <numeric>

namespace octavo {

bool has_weight_sums(const StepInput& weight) { return weight.constant && weight.desc.is_contiguous(); }

std::vector<int32_t> weight_sums(const StepInput& weight) {
  const auto sums = weight.constant->packed("sums by output channel", [&]() -> std::shared_ptr<void> {
    return std::make_shared<std::vector<int32_t>>(weight_sums(weight.desc, weight.constant->data().get()));
  });
  return *std::static_pointer_cast<std::vector<int32_t>>(sums);
}

std::vector<int32_t> weight_sums(const TensorDesc& desc, const void* weight) {
  const auto* values = static_cast<const int8_t*>(weight);
  const int64_t channels = desc.shape[0], count = desc.numel() / channels;
  std::vector<int32_t> sums(channels);
  for (int64_t i = 0; i < channels; i++)
    sums[i] = std::accumulate(values + i * count, values + (i + 1) * count, int32_t{0});
  return sums;
}

}  // namespace octavo
