// Reductions of any element type over some extents: sums, products, extrema, truth, norms, spreads.
#include <stdexcept>

#include "contract/input_value.h"
#include "contract/table.h"
#include "kernels/elements/accumulators.h"
#include "kernels/parallel.h"
#include "steps/reduction/reduced_lanes.h"

namespace octavo {

namespace {
template <typename T>
constexpr DType dtype_of() {
  return std::is_same_v<T, double> ? DType::f64 : std::is_same_v<T, int64_t> ? DType::s64 : DType::boolean;
}

template <class Accumulator>
class Fold : public Step {
 public:
  using Value = typename Accumulator::Value;
  using Result = typename Accumulator::Result;

  explicit Fold(const StepSpec& spec)
      : x_(spec, 0, "the tensor"),
        name_(spec.attributes.text("algorithm")),
        parameters_{spec.attributes.number("order", 2), spec.attributes.number("correction", 0)},
        lanes_(x_.desc(), lane_axes(spec)),
        reader_(x_.desc().dtype, dtype_of<Value>()) {
    for (const auto& output : spec.outputs) {
      check_one_a_lane(spec, output);
      places_.emplace_back(output, std::vector<size_t>{});
      writers_.emplace_back(dtype_of<Result>(), output.dtype);
    }
  }

  void execute(const Buffers& buffers) override {
    const auto* x = static_cast<const char*>(x_.data(buffers));
    const auto bytes = static_cast<int64_t>(x_.desc().span_bytes());
    kernels::parallel_for(lanes_.count(), bytes, [&](int64_t lane) {
      alignas(64) char buffer[kTypedRunBytes];
      Accumulator accumulator(parameters_);
      lanes_.each_run(lane, [&](int64_t offset, int64_t step, int64_t n, int64_t) {
        const void* values = reader_.read(x + offset * reader_.stored_bytes(), step, n, buffer);
        accumulator.add(static_cast<const Value*>(values), n);
      });
      for (size_t i = 0; i < writers_.size(); i++) {
        const Result result = accumulator.result(i);
        char* y = static_cast<char*>(buffers.outputs[i]);
        writers_[i].write(&result, y + places_[i].begin(lane) * writers_[i].stored_bytes(), 1, 1);
      }
    });
  }
  std::string implementation() const override { return "octavo:" + name_; }

 private:
  InputValue x_;
  std::string name_;
  kernels::ReductionParameters parameters_;
  Lanes lanes_;
  RunReader reader_;
  std::vector<Lanes> places_;  // of the outputs: a lane for each element
  std::vector<RunWriter> writers_;
};

// An accumulator of float64 or of int64, as the result's type requires.
template <template <typename> class Accumulator>
std::unique_ptr<Step> fold(const StepSpec& spec) {
  if (is_floating_point(spec.outputs.at(0).dtype)) return std::make_unique<Fold<Accumulator<double>>>(spec);
  return std::make_unique<Fold<Accumulator<int64_t>>>(spec);
}

template <class Accumulator>
std::unique_ptr<Step> fold_as(const StepSpec& spec) {
  return std::make_unique<Fold<Accumulator>>(spec);
}

template <typename T>
using GreatestOf = kernels::ExtremumOf<T, true>;
template <typename T>
using LeastOf = kernels::ExtremumOf<T, false>;

struct Algorithm {
  const char* name;
  bool needs_elements;
  std::unique_ptr<Step> (*create)(const StepSpec&);
};

constexpr Algorithm kAlgorithms[] = {
    {"sum", false, fold<kernels::SumOf>},
    {"prod", false, fold<kernels::ProductOf>},
    {"max", true, fold<GreatestOf>},
    {"min", true, fold<LeastOf>},
    {"mean", false, fold_as<kernels::MeanOf>},
    {"any", false, fold_as<kernels::TruthOf<false>>},
    {"all", false, fold_as<kernels::TruthOf<true>>},
    {"count_nonzero", false, fold_as<kernels::CountOf>},
    {"logsumexp", false, fold_as<kernels::LogSumExpOf>},
    {"norm", false, fold_as<kernels::NormOf>},
    {"var", false, fold_as<kernels::SpreadOf<false>>},
    {"std", false, fold_as<kernels::SpreadOf<true>>},
};
}  // namespace

std::unique_ptr<Step> create_fold(const StepSpec& spec) {
  const auto& name = spec.attributes.text("algorithm");
  for (const auto& algorithm : kAlgorithms) {
    if (name != algorithm.name) continue;
    const Lanes lanes(spec.input(0, "the tensor").desc, lane_axes(spec));
    if (algorithm.needs_elements && lanes.length() == 0 && lanes.count() > 0)
      throw std::invalid_argument("there is nothing to take an extremum of");
    return algorithm.create(spec);
  }
  throw std::invalid_argument("unknown reduction '" + name + "'");
}

}  // namespace octavo
