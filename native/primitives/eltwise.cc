// Pointwise functions of one tensor.
#include "onednn/eltwise.h"

#include <stdexcept>

#include "onednn/primitive.h"
#include "primitives/table.h"

namespace octavo {

namespace {
class Eltwise : public Step {
 public:
  explicit Eltwise(const StepSpec& spec)
      : primitive_(onednn::make_eltwise({spec.input(0, "the tensor").desc, spec.outputs.at(0),
                                         spec.attributes.text("algorithm"),
                                         static_cast<float>(spec.attributes.number("alpha", 0)),
                                         static_cast<float>(spec.attributes.number("beta", 0))})) {}

  void execute(const Buffers& buffers) override {
    primitive_.bind(DNNL_ARG_SRC, buffers.inputs[0]);
    primitive_.bind(DNNL_ARG_DST, buffers.outputs[0]);
    primitive_.execute(buffers.scratchpad);
  }

  std::string implementation() const override { return primitive_.implementation(); }
  size_t scratchpad_bytes() const override { return primitive_.scratchpad_bytes(); }

 private:
  onednn::Primitive primitive_;
};
}  // namespace

std::unique_ptr<Step> create_eltwise(const StepSpec& spec) { return std::make_unique<Eltwise>(spec); }

}  // namespace octavo
