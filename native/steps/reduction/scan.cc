// Running sums and products along one axis.
#include <stdexcept>

#include "contract/input_value.h"
#include "contract/table.h"
#include "kernels/elements/accumulators.h"
#include "kernels/parallel.h"
#include "steps/reduction/reduced_lanes.h"

namespace octavo {

namespace {
template <typename T>
class Scan : public Step {
 public:
  explicit Scan(const StepSpec& spec)
      : x_(spec, 0, "the tensor"),
        is_sum_(spec.attributes.text("algorithm") == "cumsum"),
        lanes_(x_.desc(), lane_axes(spec)),
        results_(spec.outputs.at(0), lane_axes(spec)),
        reader_(x_.desc().dtype, wide_type(spec.outputs[0].dtype)),
        writer_(wide_type(spec.outputs[0].dtype), spec.outputs[0].dtype) {
    if (x_.desc().shape != spec.outputs[0].shape)
      throw std::invalid_argument("the output must have the input's shape");
    if (spec.attributes.dims("axes").size() > 1) throw std::invalid_argument("only one axis can be scanned");
  }

  void execute(const Buffers& buffers) override {
    const auto* x = static_cast<const char*>(x_.data(buffers));
    auto* y = static_cast<char*>(buffers.outputs[0]);
    const auto bytes = static_cast<int64_t>(x_.desc().span_bytes());
    kernels::parallel_for(lanes_.count(), bytes, [&](int64_t lane) {
      alignas(64) char buffer[kTypedRunBytes];
      alignas(64) T running[kTypedRun];
      kernels::Wide<T> total = is_sum_ ? 0 : 1;
      char* out = y + results_.begin(lane) * writer_.stored_bytes();
      lanes_.each_run(lane, [&](int64_t offset, int64_t step, int64_t n, int64_t first) {
        const auto* values =
            static_cast<const T*>(reader_.read(x + offset * reader_.stored_bytes(), step, n, buffer));
        if (is_sum_)
          for (int64_t i = 0; i < n; i++)
            running[i] = static_cast<T>(total += static_cast<kernels::Wide<T>>(values[i]));
        else
          for (int64_t i = 0; i < n; i++)
            running[i] = static_cast<T>(total *= static_cast<kernels::Wide<T>>(values[i]));
        writer_.write(running, out + first * results_.step() * writer_.stored_bytes(), results_.step(), n);
      });
    });
  }
  std::string implementation() const override { return is_sum_ ? "octavo:cumsum" : "octavo:cumprod"; }

 private:
  InputValue x_;
  bool is_sum_;
  Lanes lanes_, results_;
  RunReader reader_;
  RunWriter writer_;
};
}  // namespace

std::unique_ptr<Step> create_scan(const StepSpec& spec) {
  const auto& algorithm = spec.attributes.text("algorithm");
  if (algorithm != "cumsum" && algorithm != "cumprod")
    throw std::invalid_argument("unknown scan '" + algorithm + "'");
  if (is_floating_point(spec.outputs.at(0).dtype)) return std::make_unique<Scan<double>>(spec);
  return std::make_unique<Scan<int64_t>>(spec);
}

}  // namespace octavo
