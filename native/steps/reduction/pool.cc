// Pooling over windows: on oneDNN if it has a fast kernel for the problem, otherwise in Octavo's loops.
#include <algorithm>
#include <optional>

#include "contract/candidates.h"
#include "contract/input_value.h"
#include "contract/table.h"
#include "onednn/pooling.h"
#include "steps/reduction/loop_pool.h"
#include "steps/reduction/window_maxima.h"

namespace octavo {

namespace {
// One pooling step as its candidates see it.
struct PoolCall {
  const StepSpec& spec;
  PoolProblem problem;
  onednn::Rejections rejections;
};

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

dnnl::algorithm algorithm_of(const PoolProblem& p) {
  if (p.algorithm == PoolAlgorithm::max) return dnnl::algorithm::pooling_max;
  return p.algorithm == PoolAlgorithm::avg_include_padding ? dnnl::algorithm::pooling_avg_include_padding
                                                           : dnnl::algorithm::pooling_avg_exclude_padding;
}

Refusal refuse_padded_average(const PoolProblem& p) {
  for (const auto& axis : p.axes) {
    if (axis.used_padding_end() > axis.padding_end)
      return "counts what ceil_mode's last window has beyond the padding";
    const bool padded = axis.padding > 0 || axis.used_padding_end() > 0;
    if (padded && p.source.zero_point != 0) return "pads with the integer 0 instead of the zero point";
  }
  return std::nullopt;
}

Refusal refuse_onednn(PoolCall& call) {
  const auto& p = call.problem;
  if (WindowMaxima::takes(p)) return "finds maxima two to six times slower, and skips NaN";
  if (p.dst.numel() == 0) return "has no kernel for an empty result";
  if (p.algorithm == PoolAlgorithm::avg_adaptive) return "has no windows of different sizes";
  if (p.divisor != 0) return "has no divisor but the window's size";
  if (!p.is_plain()) return "does not change scale or zero point";
  if (p.algorithm == PoolAlgorithm::avg_include_padding) return refuse_padded_average(p);
  return std::nullopt;
}

Attempt make_onednn(PoolCall& call) {
  const auto& p = call.problem;
  onednn::PoolingProblem problem{p.src, p.dst, algorithm_of(p), {}, {}, {}, {}, {}};
  for (const auto& axis : p.axes) {
    problem.kernel.push_back(axis.kernel);
    problem.stride.push_back(axis.stride);
    problem.dilation.push_back(axis.dilation);
    problem.padding.push_back(axis.padding);
    problem.padding_end.push_back(std::max<int64_t>(axis.used_padding_end(), 0));
  }
  auto primitive = onednn::make_pooling(problem, call.rejections);
  if (!primitive) return {nullptr, "has no fast kernel for these layouts and dtypes"};
  return {std::make_unique<OneDnnPool>(call.spec, std::move(*primitive))};
}

Refusal always(PoolCall&) { return std::nullopt; }

Attempt make_loops(PoolCall& call) { return {create_loop_pool(call.spec, call.problem)}; }

// In order of preference.
const Candidate<PoolCall> candidates[] = {
    {"oneDNN's pooling", refuse_onednn, make_onednn},
    {"octavo:pool", always, make_loops},
};
}  // namespace

std::unique_ptr<Step> create_pool(const StepSpec& spec) {
  PoolCall call{spec, PoolProblem(spec), {}};
  return create_preferred(candidates, call);
}

}  // namespace octavo
