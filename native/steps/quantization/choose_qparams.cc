// Scale and zero point from a tensor's own range, as PyTorch's choose_qparams operators compute them.
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <stdexcept>

#include "contract/input_value.h"
#include "contract/scratch.h"
#include "contract/table.h"
#include "kernels/parallel.h"
#include "observe/min_max.h"
#include "rows/strided.h"

namespace octavo {

namespace {
constexpr int64_t kChunk = 4 * 1024;  // elements a thread takes at a time

struct Range {
  float min, max;
};

// NaN wins.
Range range_of(const float* values, int64_t count) {
  const int64_t chunks = (count + kChunk - 1) / kChunk;
  std::vector<Range> ranges(static_cast<size_t>(chunks));
  kernels::parallel_for(chunks, count * static_cast<int64_t>(sizeof(float)), [&](int64_t i) {
    const auto n = static_cast<size_t>(std::min(kChunk, count - i * kChunk));
    Range& part = ranges[static_cast<size_t>(i)];
    if (observe::min_max({values + i * kChunk, 1, 1, n}, &part.min, &part.max))
      part.min = std::numeric_limits<float>::quiet_NaN();
  });
  Range all = ranges[0];
  for (const Range& part : ranges) {
    if (std::isnan(part.min)) return part;
    all = {std::min(all.min, part.min), std::max(all.max, part.max)};
  }
  return all;
}

class ChooseQparams : public Step {
 public:
  explicit ChooseQparams(const StepSpec& spec)
      : x_(spec, 0, "the tensor"),
        node_(spec.node),
        min_(spec.attributes.integer("quantMin")),
        max_(spec.attributes.integer("quantMax")),
        eps_(static_cast<float>(spec.attributes.number("eps"))),
        symmetric_(spec.attributes.boolean("symmetric", false)),
        symmetric_zero_point_(spec.attributes.integer("symmetricZeroPoint", 0)) {
    const auto& x = x_.desc();
    if (x.numel() == 0) throw std::invalid_argument("an empty tensor has no range");
    if (x.dtype != DType::f32 && x.dtype != DType::bf16)
      throw std::invalid_argument(std::string("float32 or bfloat16 expected, got ") + dtype_name(x.dtype));
    if (min_ >= max_) throw std::invalid_argument("quantMin must be below quantMax");
    if (spec.outputs.size() != 2 || spec.outputs[0].dtype != DType::f64 ||
        spec.outputs[1].dtype != DType::s64 || spec.outputs[0].numel() != 1 || spec.outputs[1].numel() != 1)
      throw std::invalid_argument("the outputs must be one float64 scale and one int64 zero point");
    if (x.dtype == DType::f32 && x.is_contiguous()) return;
    const TensorDesc dense{DType::f32, x.shape, row_major_strides(x.shape)};
    gather_.emplace(x, dense, kernels::RowConversion::cast(x.dtype, DType::f32));
    staging_ = scratch_.reserve(dense.span_bytes());
  }

  void execute(const Buffers& buffers) override {
    const void* x = x_.data(buffers);
    void* staging = ScratchLayout::at(buffers.scratchpad, staging_);
    if (gather_) gather_->execute(x, staging);
    const Range range = range_of(static_cast<const float*>(gather_ ? staging : x), x_.desc().numel());
    if (!std::isfinite(range.min) || !std::isfinite(range.max))
      throw std::domain_error("choose_qparams '" + node_ + "': the tensor holds NaN or infinity");
    const float low = std::min(range.min, 0.0f), high = std::max(range.max, 0.0f);
    const auto steps = static_cast<float>(max_ - min_);
    // In single precision, as PyTorch.
    const float scale =
        std::max(symmetric_ ? std::max(-low, high) / (steps / 2) : (high - low) / steps, eps_);
    const int64_t zero_point =
        symmetric_ ? symmetric_zero_point_
                   : std::clamp(min_ - static_cast<int64_t>(std::nearbyint(low / scale)), min_, max_);
    *static_cast<double*>(buffers.outputs[0]) = scale;
    *static_cast<int64_t*>(buffers.outputs[1]) = zero_point;
  }
  std::string implementation() const override { return gather_ ? "octavo:minmax+copy" : "octavo:minmax"; }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  InputValue x_;
  std::string node_;
  int64_t min_, max_;
  float eps_;
  bool symmetric_;
  int64_t symmetric_zero_point_;
  ScratchLayout scratch_;
  std::optional<StridedConversion> gather_;
  size_t staging_ = 0;
};
}  // namespace

std::unique_ptr<Step> create_choose_qparams(const StepSpec& spec) {
  return std::make_unique<ChooseQparams>(spec);
}

}  // namespace octavo
