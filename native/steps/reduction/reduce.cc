// Mean, sum, maximum and minimum over some extents. Input and result may be quantized.
#include <algorithm>
#include <limits>
#include <stdexcept>

#include "contract/input_value.h"
#include "contract/table.h"
#include "kernels/arithmetic.h"
#include "kernels/normalization.h"
#include "kernels/parallel.h"
#include "kernels/reduction.h"
#include "rows/pointwise.h"
#include "rows/strided.h"

namespace octavo {

namespace {
constexpr int64_t kLanes = 256;  // results computed side by side
constexpr int64_t kBlock = 128;  // values summed before their sum is added: keeps rounding errors small
constexpr float kInfinity = std::numeric_limits<float>::infinity();

enum class Algorithm { mean, sum, max, min };

Algorithm algorithm_from_name(const std::string& name) {
  if (name == "mean") return Algorithm::mean;
  if (name == "sum") return Algorithm::sum;
  if (name == "max") return Algorithm::max;
  if (name == "min") return Algorithm::min;
  throw std::invalid_argument("unknown reduction '" + name + "'");
}

std::vector<bool> reduced_extents(const StepSpec& spec) {
  std::vector<bool> reduced(spec.input(0, "the tensor").desc.shape.size(), false);
  for (int64_t axis : spec.attributes.dims("axes")) {
    if (axis < 0 || axis >= static_cast<int64_t>(reduced.size()) || reduced[axis])
      throw std::invalid_argument("axis " + std::to_string(axis) + " is out of range, or named twice");
    reduced[axis] = true;
  }
  return reduced;
}

// The loops over the result's elements, with the input's and the result's strides.
LoopNest kept_loops(const StepSpec& spec) {
  const auto& x = spec.inputs[0].desc;
  const auto& y = spec.outputs.at(0);
  const auto reduced = reduced_extents(spec);
  const bool keepdim = spec.attributes.boolean("keepdim", false);
  Dims shape, x_strides, y_strides, expected;
  size_t next = 0;
  for (size_t i = 0; i < reduced.size(); i++) {
    if (!reduced[i]) {
      shape.push_back(x.shape[i]);
      x_strides.push_back(x.strides[i]);
      if (next < y.strides.size()) y_strides.push_back(y.strides[next]);
      expected.push_back(x.shape[i]);
      next++;
    } else if (keepdim) {
      expected.push_back(1);
      next++;
    }
  }
  if (y.shape != expected)
    throw std::invalid_argument("the output must be " + TensorDesc{y.dtype, expected, {}}.to_string());
  return LoopNest(shape, {x_strides, y_strides});
}

LoopNest reduced_loops(const StepSpec& spec) {
  const auto& x = spec.inputs[0].desc;
  const auto reduced = reduced_extents(spec);
  Dims shape, strides;
  for (size_t i = 0; i < reduced.size(); i++)
    if (reduced[i]) {
      shape.push_back(x.shape[i]);
      strides.push_back(x.strides[i]);
    }
  return LoopNest(shape, {strides});
}

int64_t product(const Dims& extents) {
  int64_t result = 1;
  for (int64_t extent : extents) result *= extent;
  return result;
}

class Reduce : public Step {
 public:
  explicit Reduce(const StepSpec& spec)
      : x_(spec, 0, "the tensor"),
        output_(spec.outputs.at(0)),
        algorithm_(algorithm_from_name(spec.attributes.text("algorithm"))),
        source_(pointwise_operand(x_.desc(), spec.attributes, "x").affine),
        target_(pointwise_operand(output_, spec.attributes, "output").affine),
        kept_(kept_loops(spec)),
        reduced_(reduced_loops(spec)),
        count_(product(reduced_.extents)),
        results_(product(kept_.extents)) {
    if (!kernels::converts_through_float(x_.desc().dtype) || !kernels::converts_through_float(output_.dtype))
      throw std::invalid_argument(std::string("reducing ") + dtype_name(x_.desc().dtype) +
                                  " is not supported; cast to float32");
    if (count_ == 0 && results_ > 0 && algorithm_ != Algorithm::sum && algorithm_ != Algorithm::mean)
      throw std::invalid_argument("there is nothing to take an extremum of");
    // Side by side where results lie side by side in the input, else one at a time.
    lanes_ = kept_.strides[0].back() == 1 ? std::min(kept_.extents.back(), kLanes) : 1;
  }

  void execute(const Buffers& buffers) override {
    if (results_ == 0) return;
    const char* x = static_cast<const char*>(x_.data(buffers));
    char* y = static_cast<char*>(buffers.outputs[0]);
    const int64_t length = kept_.extents.back(), groups = (length + lanes_ - 1) / lanes_;
    const size_t outer = kept_.extents.size() - 1;
    const auto bytes = static_cast<int64_t>(x_.desc().span_bytes());
    kernels::parallel_for(results_ / length * groups, bytes, [&](int64_t item) {
      const int64_t begin = item % groups * lanes_, row = item / groups;
      const int64_t in = kept_.offset(0, row, outer) + begin * kept_.strides[0].back();
      const int64_t out = kept_.offset(1, row, outer) + begin * kept_.strides[1].back();
      const int64_t n = std::min(lanes_, length - begin);
      alignas(64) float results[kLanes];
      if (lanes_ == 1)
        results[0] = along_row(x + in * size_x());
      else
        side_by_side(x + in * size_x(), results, n);
      store(results, y + out * size_y(), n);
    });
  }
  std::string implementation() const override { return "octavo:reduce"; }

 private:
  int64_t size_x() const { return static_cast<int64_t>(dtype_size(x_.desc().dtype)); }
  int64_t size_y() const { return static_cast<int64_t>(dtype_size(output_.dtype)); }
  bool is_sum() const { return algorithm_ == Algorithm::sum || algorithm_ == Algorithm::mean; }
  float neutral() const { return is_sum() ? 0 : algorithm_ == Algorithm::max ? -kInfinity : kInfinity; }

  void side_by_side(const char* x, float* results, int64_t n) const {
    std::fill(results, results + n, neutral());
    alignas(64) float part[kLanes], values[kLanes];
    const DType dtype = x_.desc().dtype;
    for (int64_t i = 0; i < count_; i++) {
      const char* row = x + reduced_.offset(0, i, reduced_.extents.size()) * size_x();
      if (is_sum()) {
        if (i % kBlock == 0) std::fill(part, part + n, 0.0f);
        kernels::accumulate_row(dtype, row, part, n);
        if (i % kBlock == kBlock - 1 || i == count_ - 1) kernels::add_rows(results, part, results, n);
      } else {
        kernels::load_row(dtype, row, values, n, 1, 0);
        extremum(values, results, n);
      }
    }
  }

  float along_row(const char* x) const {
    const int64_t length = reduced_.extents.back(), step = reduced_.strides[0].back();
    const size_t outer = reduced_.extents.size() - 1;
    double sum = 0;
    float best = neutral();
    alignas(64) float values[kLanes];
    for (int64_t row = 0; length > 0 && row < count_ / length; row++) {
      const char* begin = x + reduced_.offset(0, row, outer) * size_x();
      for (int64_t i = 0; i < length; i += kLanes) {
        const int64_t n = std::min(kLanes, length - i);
        load(begin + i * step * size_x(), step, values, n);
        if (is_sum()) {
          sum += kernels::sum_row(values, n);
        } else {
          const float found =
              algorithm_ == Algorithm::max ? kernels::max_row(values, n) : kernels::min_row(values, n);
          extremum(&found, &best, 1);
        }
      }
    }
    return is_sum() ? static_cast<float>(sum) : best;
  }

  void load(const char* x, int64_t step, float* values, int64_t n) const {
    if (step == 1) return kernels::load_row(x_.desc().dtype, x, values, n, 1, 0);
    for (int64_t i = 0; i < n; i++)
      kernels::load_row(x_.desc().dtype, x + i * step * size_x(), values + i, 1, 1, 0);
  }

  void extremum(const float* values, float* best, int64_t n) const {
    if (algorithm_ == Algorithm::max) return kernels::maximum_rows(values, best, best, n);
    kernels::minimum_rows(values, best, best, n);
  }

  // From sums or extrema of stored values to the result's own.
  void store(float* results, char* y, int64_t n) const {
    const auto count = static_cast<double>(count_);
    const double terms = algorithm_ == Algorithm::sum ? count : 1;
    const double divisor = algorithm_ == Algorithm::mean ? count : 1;
    const double factor = source_.scale / target_.scale;
    const double removed = static_cast<double>(source_.zero_point) * terms * factor;
    for (int64_t i = 0; i < n; i++)
      results[i] = static_cast<float>(static_cast<double>(results[i]) / divisor * factor - removed);
    const bool real = output_.dtype == DType::f32 || output_.dtype == DType::bf16;
    const auto range = real ? kernels::QuantRange{0, 0} : kernels::full_range(output_.dtype);
    const int64_t step = kept_.strides[1].back();
    const auto zero_point = static_cast<float>(target_.zero_point);
    if (step == 1) return kernels::store_row(output_.dtype, results, y, n, 1, zero_point, range);
    for (int64_t i = 0; i < n; i++)
      kernels::store_row(output_.dtype, results + i, y + i * step * size_y(), 1, 1, zero_point, range);
  }

  InputValue x_;
  TensorDesc output_;
  Algorithm algorithm_;
  kernels::Affine source_, target_;
  LoopNest kept_, reduced_;
  int64_t count_, results_, lanes_;
};
}  // namespace

std::unique_ptr<Step> create_reduce(const StepSpec& spec) { return std::make_unique<Reduce>(spec); }

}  // namespace octavo
