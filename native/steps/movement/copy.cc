// Steps that move elements and compute nothing: a change of layout or dtype, and concatenation. Each is a few
// strided copies, laid out when the step is made.
#include <stdexcept>

#include "contract/input_value.h"
#include "contract/table.h"
#include "rows/strided.h"

namespace octavo {

namespace {
// One strided copy: an input into a part of the output.
struct Move {
  int64_t dst_offset;  // bytes
  StridedConversion conversion;
};

class Moves : public Step {
 public:
  explicit Moves(const StepSpec& spec) {
    for (size_t i = 0; i < spec.inputs.size(); i++) inputs_.emplace_back(spec, i, "a tensor");
    if (inputs_.empty()) throw std::invalid_argument("no input");
    if (spec.outputs.empty()) throw std::invalid_argument("no output");
  }

  // The next input, into `dst`: a part of the output that begins at `offset` elements.
  void add(const TensorDesc& dst, int64_t offset) {
    const auto& src = inputs_[moves_.size()].desc();
    moves_.push_back({offset * static_cast<int64_t>(dtype_size(dst.dtype)),
                      StridedConversion(src, dst, kernels::RowConversion::cast(src.dtype, dst.dtype))});
  }

  void execute(const Buffers& buffers) override {
    for (size_t i = 0; i < moves_.size(); i++)
      moves_[i].conversion.execute(inputs_[i].data(buffers),
                                   static_cast<char*>(buffers.outputs[0]) + moves_[i].dst_offset);
  }
  std::string implementation() const override { return "octavo:copy"; }

 private:
  std::vector<InputValue> inputs_;
  std::vector<Move> moves_;
};

}  // namespace

std::unique_ptr<Step> create_copy(const StepSpec& spec) {
  auto step = std::make_unique<Moves>(spec);
  step->add(spec.outputs[0], 0);
  return step;
}

std::unique_ptr<Step> create_concat(const StepSpec& spec) {
  auto step = std::make_unique<Moves>(spec);
  const auto& y = spec.outputs[0];
  const int64_t axis = spec.attributes.integer("axis");
  if (axis < 0 || axis >= static_cast<int64_t>(y.shape.size()))
    throw std::invalid_argument("axis " + std::to_string(axis) + " is out of range");
  int64_t begin = 0;
  for (size_t i = 0; i < spec.inputs.size(); i++) {
    const auto& x = spec.inputs[i].desc;
    if (x.shape.size() != y.shape.size() || x.dtype != y.dtype)
      throw std::invalid_argument("input " + std::to_string(i) + ", " + x.to_string() +
                                  ", does not fit the output's rank and dtype");
    TensorDesc part = y;
    part.shape[axis] = x.shape[axis];
    step->add(part, begin * y.strides[axis]);
    begin += x.shape[axis];
  }
  if (begin != y.shape[axis])
    throw std::invalid_argument("the inputs make " + std::to_string(begin) + " along axis " +
                                std::to_string(axis) + ", the output has " + std::to_string(y.shape[axis]));
  return step;
}

}  // namespace octavo
