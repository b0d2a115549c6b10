// The place of the greatest or the least element along one axis, or in the whole tensor; also its value. Of
// equal elements the first counts, and NaN before all.
#include <algorithm>
#include <stdexcept>

#include "contract/input_value.h"
#include "contract/table.h"
#include "kernels/parallel.h"
#include "steps/reduction/reduced_lanes.h"

namespace octavo {

namespace {
template <typename T>
class ArgReduce : public Step {
 public:
  explicit ArgReduce(const StepSpec& spec)
      : x_(spec, 0, "the tensor"),
        greatest_(spec.attributes.text("algorithm") == "max"),
        lanes_(x_.desc(), lane_axes(spec)),
        reader_(x_.desc().dtype, wide_type(x_.desc().dtype)),
        indices_(spec.outputs.back(), {}),
        index_writer_(DType::s64, spec.outputs.back().dtype),
        values_(spec.outputs.front(), {}),
        value_writer_(wide_type(x_.desc().dtype), spec.outputs.front().dtype),
        has_values_(spec.outputs.size() == 2) {
    for (const auto& output : spec.outputs) check_one_a_lane(spec, output);
    if (lanes_.length() == 0 && lanes_.count() > 0)
      throw std::invalid_argument("there is nothing to take an extremum of");
  }

  void execute(const Buffers& buffers) override {
    if (lanes_.count() == 0) return;
    const auto* x = static_cast<const char*>(x_.data(buffers));
    auto* indices = static_cast<char*>(buffers.outputs[has_values_ ? 1 : 0]);
    auto* values = static_cast<char*>(buffers.outputs[0]);
    const auto bytes = static_cast<int64_t>(x_.desc().span_bytes());
    // Lanes side by side are read together: their elements are apart, but those of neighbours are not.
    const int64_t row = lanes_.step() == 1 ? 1 : lanes_.side_by_side();
    const int64_t together = std::min(row, kTogether), blocks = (row + together - 1) / together;
    kernels::parallel_for(lanes_.count() / row * blocks, bytes, [&](int64_t block) {
      alignas(64) T best[kTogether];
      alignas(64) int64_t at[kTogether];
      const int64_t begin = block % blocks * together, first = block / blocks * row + begin;
      const int64_t n = std::min(together, row - begin);
      if (n == 1)
        find(x, first, best, at);
      else
        find_together(x, first, n, best, at);
      for (int64_t i = 0; i < n; i++) {
        index_writer_.write(at + i, indices + indices_.begin(first + i) * index_writer_.stored_bytes(), 1, 1);
        if (has_values_)
          value_writer_.write(best + i, values + values_.begin(first + i) * value_writer_.stored_bytes(), 1,
                              1);
      }
    });
  }
  std::string implementation() const override { return greatest_ ? "octavo:argmax" : "octavo:argmin"; }

 private:
  static constexpr int64_t kTogether = 128;

  // Whether a value takes the place of the best one before it.
  bool is_better(T value, T best) const {
    return (greatest_ ? value > best : value < best) || (value != value && best == best);
  }

  void find(const char* x, int64_t lane, T* best, int64_t* at) const {
    alignas(64) char buffer[kTypedRunBytes];
    *at = -1;
    lanes_.each_run(lane, [&](int64_t offset, int64_t step, int64_t n, int64_t first) {
      const auto* values =
          static_cast<const T*>(reader_.read(x + offset * reader_.stored_bytes(), step, n, buffer));
      for (int64_t i = 0; i < n; i++) {
        if (*at >= 0 && !is_better(values[i], *best)) continue;
        *best = values[i];
        *at = first + i;
      }
    });
  }

  // Of n lanes that begin one element apart.
  void find_together(const char* x, int64_t lane, int64_t n, T* best, int64_t* at) const {
    alignas(64) char buffer[kTypedRunBytes];
    const int64_t begin = lanes_.begin(lane);
    for (int64_t index = 0; index < lanes_.length(); index++) {
      const char* row = x + (begin + lanes_.along(index)) * reader_.stored_bytes();
      const auto* values = static_cast<const T*>(reader_.read(row, 1, n, buffer));
      for (int64_t i = 0; i < n; i++) {
        const bool changes = index == 0 || is_better(values[i], best[i]);
        best[i] = changes ? values[i] : best[i];
        at[i] = changes ? index : at[i];
      }
    }
  }

  InputValue x_;
  bool greatest_;
  Lanes lanes_;
  RunReader reader_;
  Lanes indices_;
  RunWriter index_writer_;
  Lanes values_;
  RunWriter value_writer_;
  bool has_values_;
};
}  // namespace

std::unique_ptr<Step> create_arg_reduce(const StepSpec& spec) {
  const auto& algorithm = spec.attributes.text("algorithm");
  if (algorithm != "max" && algorithm != "min")
    throw std::invalid_argument("unknown algorithm '" + algorithm + "'; an index is of a 'max' or a 'min'");
  if (spec.outputs.empty() || spec.outputs.size() > 2)
    throw std::invalid_argument("the outputs are the values and the indices, or the indices alone");
  if (is_floating_point(spec.input(0, "the tensor").desc.dtype))
    return std::make_unique<ArgReduce<double>>(spec);
  return std::make_unique<ArgReduce<int64_t>>(spec);
}

}  // namespace octavo
