#include "operands/weight_sums.h"

#include <algorithm>
#include <numeric>
#include <string>

namespace octavo {

bool has_weight_sums(const StepInput& weight) { return weight.constant && weight.desc.is_contiguous(); }

std::shared_ptr<const int32_t> shared_weight_sums(const StepInput& weight) {
  const auto channels = static_cast<size_t>(weight.desc.shape[0]);
  const PackedForm form{"sums of " + std::to_string(channels) + " channels", channels * sizeof(int32_t)};
  const auto held = weight.constant->packed(form, [&](void* into) {
    const auto made = weight_sums(weight.desc, weight.constant->data().get());
    std::copy(made.begin(), made.end(), static_cast<int32_t*>(into));
  });
  return std::static_pointer_cast<const int32_t>(held);
}

std::vector<int32_t> weight_sums(const StepInput& weight) {
  const auto sums = shared_weight_sums(weight);
  return {sums.get(), sums.get() + weight.desc.shape[0]};
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
