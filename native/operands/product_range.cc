#include "operands/product_range.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace octavo {

namespace {
constexpr int64_t kLargest = 128;

// The largest magnitude of an int8 weight; of one that is not known yet, the largest there is.
int64_t largest_magnitude(const StepInput& weight) {
  if (!weight.constant) return kLargest;
  const auto largest = weight.constant->packed({"largest magnitude", sizeof(int64_t)}, [&](void* into) {
    const auto data = weight.constant->data();
    const auto* values = static_cast<const int8_t*>(data.get());
    int8_t low = 0, high = 0;
    for (int64_t i = 0, n = weight.constant->desc().numel(); i < n; i++) {
      low = std::min(low, values[i]);
      high = std::max(high, values[i]);
    }
    const auto result = std::max<int64_t>(-int64_t{low}, high);
    std::memcpy(into, &result, sizeof result);
  });
  const int64_t value = *static_cast<const int64_t*>(largest.get());
  // It may be a damaged file's.
  return value < 0 || value > kLargest ? kLargest : value;
}

// One weight a channel and place of the window: [C, 1, ...], in as many groups, of which there are several.
bool is_depthwise(const StepSpec& spec) {
  const auto& weight = spec.inputs[1].desc.shape;
  return weight.size() > 2 && weight[0] > 1 && weight[1] == 1 &&
         spec.attributes.integer("groups", 1) == weight[0];
}
}  // namespace

bool products_fit_16_bits(const StepSpec& spec) {
  if (spec.inputs[0].desc.dtype != DType::u8) return false;
  if (is_depthwise(spec)) return true;
  const int64_t input = spec.attributes.integer("inputMax", 255);
  return 2 * input * largest_magnitude(spec.inputs[1]) <= std::numeric_limits<int16_t>::max();
}

}  // namespace octavo
