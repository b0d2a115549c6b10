#include "primitives/weight_sums.h"

#include <numeric>

namespace octavo {

bool has_weight_sums(const StepInput& weight) { return weight.constant && weight.desc.is_contiguous(); }

std::vector<int32_t> weight_sums(const StepInput& weight) {
  const auto sums = weight.constant->packed("sums by output channel", [&]() -> std::shared_ptr<void> {
    const auto* values = static_cast<const int8_t*>(weight.constant->data());
    const int64_t channels = weight.desc.shape[0], count = weight.desc.numel() / channels;
    auto result = std::make_shared<std::vector<int32_t>>(channels);
    for (int64_t i = 0; i < channels; i++)
      (*result)[i] = std::accumulate(values + i * count, values + (i + 1) * count, int32_t{0});
    return result;
  });
  return *std::static_pointer_cast<std::vector<int32_t>>(sums);
}

}  // namespace octavo
