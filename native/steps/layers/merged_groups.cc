#include "steps/layers/merged_groups.h"

#include <cstring>

namespace octavo {

namespace {
constexpr int64_t kVector = 16;  // channels that oneDNN's kernels process at once

// Number of groups to merge into one; it divides the number of groups.
int64_t merge_factor(int64_t groups, int64_t in, int64_t out) {
  for (int64_t factor = 2; factor < groups; factor++)
    if (groups % factor == 0 && factor * in % kVector == 0 && factor * out % kVector == 0) return factor;
  return groups;
}

// [O, I, ...] with `factor` groups merged: [O, factor * I, ...].
std::shared_ptr<Constant> block_diagonal(Constant& weight, int64_t group_outputs, int64_t factor) {
  TensorDesc desc = weight.desc();
  const int64_t outputs = desc.shape[0];
  const size_t block = weight.desc().span_bytes() / outputs;  // one output's weights
  desc.shape[1] *= factor;
  desc.strides = row_major_strides(desc.shape);
  std::vector<char> data(desc.span_bytes(), 0);
  const auto held = weight.data();
  const auto* source = static_cast<const char*>(held.get());
  for (int64_t o = 0; o < outputs; o++) {
    const int64_t at = o * factor + o / group_outputs % factor;
    std::memcpy(data.data() + at * block, source + o * block, block);
  }
  return std::make_shared<Constant>(desc, data.data());
}
}  // namespace

std::optional<StepSpec> with_merged_groups(const StepSpec& spec) {
  const auto& weight = spec.inputs.at(1);
  const int64_t groups = spec.attributes.integer("groups", 1);
  if (groups < 2 || !weight.constant || !weight.desc.is_contiguous()) return std::nullopt;
  const int64_t group_outputs = weight.desc.shape[0] / groups;
  const int64_t factor = merge_factor(groups, weight.desc.shape[1], group_outputs);
  const auto merged = weight.constant->derived(
      "block-diagonal " + std::to_string(group_outputs) + " x " + std::to_string(factor),
      [&] { return block_diagonal(*weight.constant, group_outputs, factor); });
  StepSpec result = spec;
  result.inputs[1].constant = merged;
  result.inputs[1].desc = merged->desc();
  result.attributes.set("groups", static_cast<double>(groups / factor));
  return result;
}

}  // namespace octavo
