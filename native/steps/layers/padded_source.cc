#include "steps/layers/padded_source.h"

#include "contract/scratch.h"
#include "contract/table.h"
#include "onednn/convolution_faults.h"

namespace octavo {

namespace {
class PaddedSource : public Step {
 public:
  PaddedSource(const StepSpec& spec, const Convolution& convolution, StepCreator create)
      : inputs_(spec.inputs.size()) {
    const auto& problem = convolution.problem;
    const TensorDesc padded = onednn::without_padding(problem).src;
    std::vector<double> amounts = {0, 0};
    amounts.insert(amounts.end(), problem.padding_begin.begin(), problem.padding_begin.end());
    StepSpec pad{"pad", spec.node, {}, {spec.inputs[0]}, {padded}};
    pad.inputs[0].desc = convolution.src;
    if (convolution.in_blocks(convolution.src)) {
      pad.outputs[0] = in_blocks(padded);
      amounts.push_back(0);
    }
    pad.attributes.set("padding", amounts);
    pad.attributes.set("value", static_cast<double>(spec.attributes.integer("xZeroPoint", 0)));
    pad_ = create_pad(pad);

    StepSpec rest = spec;
    const std::vector<double> none(spec.attributes.dims("padding").size(), 0);
    rest.attributes.set("padding", none);
    rest.attributes.set("paddingEnd", none);
    rest.inputs[0] = {padded, nullptr};
    if (none.size() == 1) {  // a signal again
      rest.inputs[0].desc.shape.erase(rest.inputs[0].desc.shape.begin() + 2);
      rest.inputs[0].desc.strides.erase(rest.inputs[0].desc.strides.begin() + 2);
    }
    step_ = create(rest);

    image_offset_ = scratch_.reserve(padded.span_bytes());
    step_offset_ = scratch_.reserve(step_->scratchpad_bytes());
    add_rejections(step_->rejections());
  }

  void execute(const Buffers& buffers) override {
    const auto at = [&](size_t offset) { return ScratchLayout::at(buffers.scratchpad, offset); };
    void* image = at(image_offset_);
    pad_->execute({buffers.inputs, &image, nullptr});
    inputs_.assign(buffers.inputs, buffers.inputs + inputs_.size());
    inputs_[0] = image;
    step_->execute({inputs_.data(), buffers.outputs, at(step_offset_)});
  }

  std::string implementation() const override {
    return pad_->implementation() + "+" + step_->implementation();
  }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  std::unique_ptr<Step> pad_, step_;
  ScratchLayout scratch_;
  size_t image_offset_, step_offset_;
  std::vector<const void*> inputs_;
};
}  // namespace

std::unique_ptr<Step> create_padded_source(const StepSpec& spec, const Convolution& convolution,
                                           StepCreator create) {
  return std::make_unique<PaddedSource>(spec, convolution, create);
}

}  // namespace octavo
