// Softmax and log softmax along one axis; the result may be quantized. With `masked`, a row of -Infinity
// alone becomes 0.
#include <stdexcept>

#include "contract/input_value.h"
#include "contract/table.h"
#include "kernels/normalization.h"
#include "rows/rows.h"

namespace octavo {

namespace {
std::vector<size_t> checked_axis(const StepSpec& spec) {
  const int64_t axis = spec.attributes.integer("axis");
  const auto& shape = spec.input(0, "the tensor").desc.shape;
  if (shape.empty() && axis == 0) return {};
  if (axis < 0 || axis >= static_cast<int64_t>(shape.size()))
    throw std::invalid_argument("axis " + std::to_string(axis) + " is out of range");
  return {static_cast<size_t>(axis)};
}

class Softmax : public Step {
 public:
  explicit Softmax(const StepSpec& spec)
      : x_(spec, 0, "the tensor"),
        logarithm_(spec.attributes.boolean("logarithm", false)),
        masked_(spec.attributes.boolean("masked", false)),
        rows_(x_.desc(), spec.outputs.at(0), checked_axis(spec), source_of(spec), target_of(spec), scratch_) {
  }

  void execute(const Buffers& buffers) override {
    const int64_t n = rows_.length();
    rows_.execute(x_.data(buffers), buffers.outputs[0], buffers.scratchpad,
                  [&](const float* x, float* out, int64_t) {
                    if (logarithm_) return kernels::log_softmax_row(x, out, n);
                    if (masked_) return kernels::masked_softmax_row(x, out, n);
                    kernels::softmax_row(x, out, n);
                  });
  }
  std::string implementation() const override { return rows_.implementation("softmax"); }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  InputValue x_;
  bool logarithm_, masked_;
  ScratchLayout scratch_;
  RowLoop rows_;
};
}  // namespace

std::unique_ptr<Step> create_softmax(const StepSpec& spec) { return std::make_unique<Softmax>(spec); }

}  // namespace octavo
