// Pooling over windows: oneDNN where it has a fast kernel, our own channels-last loops elsewhere (uneven
// adaptive windows, ceil mode's cut windows, int8 averages with a zero point, maxima, layouts oneDNN has no
// kernel for).
#include <algorithm>
#include <optional>

#include "contract/input_value.h"
#include "contract/table.h"
#include "onednn/pooling.h"
#include "steps/reduction/loop_pool.h"
#include "steps/reduction/window_maxima.h"

namespace octavo {

namespace {
// What oneDNN computes for this problem, when it does so fast.
std::optional<onednn::Primitive> try_onednn(const PoolProblem& p) {
  if (p.dst.numel() == 0 || p.divisor != 0 || p.algorithm == PoolAlgorithm::avg_adaptive || !p.is_plain())
    return std::nullopt;
  onednn::PoolingProblem problem{p.src, p.dst, dnnl::algorithm::pooling_max, {}, {}, {}, {}, {}};
  bool padded = false;
  for (const auto& axis : p.axes) {
    const int64_t needed = (axis.out - 1) * axis.stride + axis.reach() - axis.in - axis.padding;
    // A window that ceil mode lets run past the padding is averaged over fewer positions than oneDNN counts.
    if (p.algorithm == PoolAlgorithm::avg_include_padding && needed > axis.padding_end) return std::nullopt;
    padded = padded || axis.padding > 0 || needed > 0;
    problem.kernel.push_back(axis.kernel);
    problem.stride.push_back(axis.stride);
    problem.dilation.push_back(axis.dilation);
    problem.padding.push_back(axis.padding);
    problem.padding_end.push_back(std::max<int64_t>(needed, 0));
  }
  if (p.algorithm == PoolAlgorithm::avg_include_padding) {
    // Padding is real zeros: in a quantized tensor that is the zero point, which oneDNN does not know.
    if (padded && p.source.zero_point != 0) return std::nullopt;
    problem.algorithm = dnnl::algorithm::pooling_avg_include_padding;
  } else if (p.algorithm == PoolAlgorithm::avg_exclude_padding) {
    problem.algorithm = dnnl::algorithm::pooling_avg_exclude_padding;
  }
  return onednn::make_pooling(problem);
}

class OneDnnPool : public Step {
 public:
  OneDnnPool(const StepSpec& spec, onednn::Primitive primitive)
      : x_(spec, 0, "the tensor"), primitive_(std::move(primitive)) {}

  void execute(const Buffers& buffers) override {
    primitive_.bind(DNNL_ARG_SRC, x_.data(buffers));
    primitive_.bind(DNNL_ARG_DST, buffers.outputs[0]);
    primitive_.execute(buffers.scratchpad);
  }
  std::string implementation() const override { return primitive_.implementation().name; }
  size_t scratchpad_bytes() const override { return primitive_.scratchpad_bytes(); }

 private:
  InputValue x_;
  onednn::Primitive primitive_;
};

}  // namespace

std::unique_ptr<Step> create_pool(const StepSpec& spec) {
  const PoolProblem problem(spec);
  // For the maximum oneDNN takes two to six times as long, and passes over NaN.
  if (!WindowMaxima::takes(problem))
    if (auto primitive = try_onednn(problem))
      return std::make_unique<OneDnnPool>(spec, std::move(*primitive));
  return create_own_pool(spec, problem);
}

}  // namespace octavo
