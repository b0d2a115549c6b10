// Sorts along one axis, or finds the greatest or the least elements: their values and places, or the places
// alone. NaN counts as greater than all numbers, and equal elements keep their order.
#include <algorithm>
#include <stdexcept>

#include "contract/input_value.h"
#include "contract/scratch.h"
#include "contract/table.h"
#include "kernels/parallel.h"
#include "steps/reduction/reduced_lanes.h"

namespace octavo {

namespace {
template <typename T>
class Sort : public Step {
 public:
  explicit Sort(const StepSpec& spec)
      : x_(spec, 0, "the tensor"),
        descending_(spec.attributes.boolean("descending")),
        lanes_(x_.desc(), lane_axes(spec)),
        count_(spec.attributes.integer("count", lanes_.length())),
        reader_(x_.desc().dtype, wide_type(x_.desc().dtype)),
        indices_(spec.outputs.back(), lane_axes(spec)),
        index_writer_(DType::s64, spec.outputs.back().dtype),
        values_(spec.outputs.front(), lane_axes(spec)),
        value_writer_(wide_type(x_.desc().dtype), spec.outputs.front().dtype),
        has_values_(spec.outputs.size() == 2) {
    if (count_ < 0 || count_ > lanes_.length())
      throw std::invalid_argument("there are " + std::to_string(lanes_.length()) +
                                  " elements along the axis, not " + std::to_string(count_));
    for (const auto& output : spec.outputs) check_shape(spec, output);
    scratch_.reserve(static_cast<size_t>(lanes_.count() * lanes_.length()) * sizeof(Item));
  }

  void execute(const Buffers& buffers) override {
    const auto* x = static_cast<const char*>(x_.data(buffers));
    auto* indices = static_cast<char*>(buffers.outputs[has_values_ ? 1 : 0]);
    auto* values = static_cast<char*>(buffers.outputs[0]);
    auto* items = static_cast<Item*>(buffers.scratchpad);
    const auto bytes = static_cast<int64_t>(x_.desc().span_bytes());
    kernels::parallel_for(lanes_.count(), bytes, [&](int64_t lane) {
      Item* sorted = items + lane * lanes_.length();
      load(x, lane, sorted);
      sort(sorted);
      for (int64_t first = 0; first < count_; first += kTypedRun)
        write(sorted + first, std::min(kTypedRun, count_ - first), first, lane, values, indices);
    });
  }
  std::string implementation() const override {
    return count_ < lanes_.length() ? "octavo:topk" : "octavo:sort";
  }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  struct Item {
    T value;
    int64_t index;
  };

  void check_shape(const StepSpec& spec, const TensorDesc& output) const {
    Dims expected = x_.desc().shape;
    for (size_t axis : lane_axes(spec)) expected[axis] = count_;
    if (lane_axes(spec).size() > 1) throw std::invalid_argument("only one axis can be sorted");
    if (output.shape != expected)
      throw std::invalid_argument("the output must be " + TensorDesc{output.dtype, expected, {}}.to_string());
  }

  void load(const char* x, int64_t lane, Item* items) const {
    alignas(64) char buffer[kTypedRunBytes];
    lanes_.each_run(lane, [&](int64_t offset, int64_t step, int64_t n, int64_t first) {
      const auto* values =
          static_cast<const T*>(reader_.read(x + offset * reader_.stored_bytes(), step, n, buffer));
      for (int64_t i = 0; i < n; i++) items[first + i] = {values[i], first + i};
    });
  }

  static bool is_greater(T a, T b) { return a > b || (a != a && b == b); }

  void sort(Item* items) const {
    const bool descending = descending_;
    const auto precedes = [descending](const Item& a, const Item& b) {
      if (is_greater(a.value, b.value)) return descending;
      if (is_greater(b.value, a.value)) return !descending;
      return a.index < b.index;
    };
    Item *end = items + lanes_.length(), *middle = items + count_;
    if (count_ < lanes_.length())
      std::partial_sort(items, middle, end, precedes);
    else
      std::sort(items, end, precedes);
  }

  // The items from place `first` on.
  void write(const Item* items, int64_t n, int64_t first, int64_t lane, char* values, char* indices) const {
    alignas(64) T run_of_values[kTypedRun];
    alignas(64) int64_t run_of_indices[kTypedRun];
    for (int64_t i = 0; i < n; i++) {
      run_of_values[i] = items[i].value;
      run_of_indices[i] = items[i].index;
    }
    const auto place = [&](const Lanes& lanes, const RunWriter& writer) {
      return (lanes.begin(lane) + first * lanes.step()) * writer.stored_bytes();
    };
    index_writer_.write(run_of_indices, indices + place(indices_, index_writer_), indices_.step(), n);
    if (has_values_)
      value_writer_.write(run_of_values, values + place(values_, value_writer_), values_.step(), n);
  }

  InputValue x_;
  bool descending_;
  Lanes lanes_;
  int64_t count_;
  RunReader reader_;
  Lanes indices_;
  RunWriter index_writer_;
  Lanes values_;
  RunWriter value_writer_;
  bool has_values_;
  ScratchLayout scratch_;
};
}  // namespace

std::unique_ptr<Step> create_sort(const StepSpec& spec) {
  if (spec.outputs.empty() || spec.outputs.size() > 2)
    throw std::invalid_argument("the outputs are the values and the indices, or the indices alone");
  if (is_floating_point(spec.input(0, "the tensor").desc.dtype)) return std::make_unique<Sort<double>>(spec);
  return std::make_unique<Sort<int64_t>>(spec);
}

}  // namespace octavo
