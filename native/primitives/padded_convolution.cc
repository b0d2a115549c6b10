#include "primitives/padded_convolution.h"

#include "primitives/scratch.h"
#include "primitives/table.h"

namespace octavo {

namespace {
Dims channels_last_strides(const Dims& shape) {
  Dims strides(shape.size());
  strides[1] = 1;
  int64_t stride = shape[1];
  for (size_t i = shape.size(); i-- > 2;) {
    strides[i] = stride;
    stride *= shape[i];
  }
  strides[0] = stride;
  return strides;
}

std::vector<double> zeros(size_t count) { return std::vector<double>(count, 0); }

struct Parts {
  StepSpec pad, convolution;
};

Parts split(const StepSpec& spec) {
  const auto begin = spec.attributes.numbers("padding");
  const auto end = spec.attributes.has("paddingEnd") ? spec.attributes.numbers("paddingEnd") : begin;
  TensorDesc padded = spec.inputs[0].desc;
  auto before = zeros(2);
  for (size_t i = 0; i < begin.size(); i++) {
    padded.shape[2 + i] += static_cast<int64_t>(begin[i] + end[i]);
    before.push_back(begin[i]);
  }
  padded.strides = channels_last_strides(padded.shape);

  Parts parts;
  parts.pad = {"pad", spec.node, {}, {spec.inputs[0]}, {padded}};
  parts.pad.attributes.set("padding", before);
  parts.pad.attributes.set("value", spec.attributes.number("xZeroPoint", 0));
  parts.convolution = spec;
  parts.convolution.inputs[0] = {padded, nullptr};
  parts.convolution.attributes.set("padding", zeros(begin.size()));
  parts.convolution.attributes.set("paddingEnd", zeros(begin.size()));
  return parts;
}

class PaddedConvolution : public Step {
 public:
  explicit PaddedConvolution(const Parts& parts)
      : pad_(create_pad(parts.pad)),
        convolution_(create_convolution(parts.convolution)),
        padded_offset_(scratch_.reserve(parts.pad.outputs[0].span_bytes())),
        pad_offset_(scratch_.reserve(pad_->scratchpad_bytes())),
        convolution_offset_(scratch_.reserve(convolution_->scratchpad_bytes())),
        inputs_(parts.convolution.inputs.size()) {}

  void execute(const Buffers& buffers) override {
    void* padded = ScratchLayout::at(buffers.scratchpad, padded_offset_);
    pad_->execute({buffers.inputs, &padded, ScratchLayout::at(buffers.scratchpad, pad_offset_)});
    for (size_t i = 1; i < inputs_.size(); i++) inputs_[i] = buffers.inputs[i];
    inputs_[0] = padded;
    convolution_->execute(
        {inputs_.data(), buffers.outputs, ScratchLayout::at(buffers.scratchpad, convolution_offset_)});
  }

  std::string implementation() const override {
    return pad_->implementation() + "+" + convolution_->implementation();
  }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  std::unique_ptr<Step> pad_, convolution_;
  ScratchLayout scratch_;
  size_t padded_offset_, pad_offset_, convolution_offset_;
  std::vector<const void*> inputs_;
};
}  // namespace

std::unique_ptr<Step> create_padded_convolution(const StepSpec& spec) {
  return std::make_unique<PaddedConvolution>(split(spec));
}

}  // namespace octavo
