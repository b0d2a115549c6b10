#include "operands/float32_fallback.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include "contract/scratch.h"
#include "onednn/primitive.h"
#include "rows/strided.h"

namespace octavo {

namespace {
using kernels::RowConversion;

// The same shape as float32 without gaps, in the same memory order: broadcast extents come last.
TensorDesc widened(const TensorDesc& desc) {
  std::vector<size_t> order(desc.shape.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return desc.strides[a] > desc.strides[b]; });
  TensorDesc wide{DType::f32, desc.shape, desc.strides};
  int64_t stride = 1;
  for (size_t i = order.size(); i-- > 0;) {
    wide.strides[order[i]] = stride;
    stride *= std::max<int64_t>(desc.shape[order[i]], 1);
  }
  return wide;
}

// Same layout, wider elements.
std::shared_ptr<Constant> widened(Constant& constant) {
  return constant.derived("float32", [&] {
    const TensorDesc narrow = constant.desc();
    std::vector<float> values(narrow.span_bytes() / dtype_size(narrow.dtype));
    RowConversion::cast(DType::bf16, DType::f32)(constant.data().get(), values.data(),
                                                 static_cast<int64_t>(values.size()));
    return std::make_shared<Constant>(TensorDesc{DType::f32, narrow.shape, narrow.strides}, values.data());
  });
}

class InFloat32 : public Step {
 public:
  InFloat32(const StepSpec& spec, StepCreator create, const std::vector<size_t>& read_narrow) {
    StepSpec wide = spec;
    for (size_t i = 0; i < wide.inputs.size(); i++) {
      const bool is_kept = std::count(read_narrow.begin(), read_narrow.end(), i) > 0;
      inputs_.push_back(is_kept ? std::nullopt : widen(wide.inputs[i]));
    }
    for (auto& output : wide.outputs) outputs_.push_back(widen(output));
    step_ = create(wide);
    step_offset_ = scratch_.reserve(step_->scratchpad_bytes());
    add_rejections(step_->rejections());
  }

  void execute(const Buffers& buffers) override {
    std::vector<const void*> inputs(inputs_.size());
    std::vector<void*> outputs(outputs_.size());
    for (size_t i = 0; i < inputs_.size(); i++) {
      inputs[i] = buffers.inputs[i];
      if (!inputs_[i]) continue;
      void* wide = ScratchLayout::at(buffers.scratchpad, inputs_[i]->offset);
      inputs_[i]->conversion.execute(buffers.inputs[i], wide);
      inputs[i] = wide;
    }
    for (size_t i = 0; i < outputs_.size(); i++)
      outputs[i] =
          outputs_[i] ? ScratchLayout::at(buffers.scratchpad, outputs_[i]->offset) : buffers.outputs[i];
    step_->execute({inputs.data(), outputs.data(), ScratchLayout::at(buffers.scratchpad, step_offset_)});
    for (size_t i = 0; i < outputs_.size(); i++)
      if (outputs_[i]) outputs_[i]->conversion.execute(outputs[i], buffers.outputs[i]);
  }

  std::string implementation() const override {
    const auto converts = [](const auto& list) {
      return std::any_of(list.begin(), list.end(), [](const auto& staged) { return staged.has_value(); });
    };
    return (converts(inputs_) ? "octavo:convert+" : "") + step_->implementation() +
           (converts(outputs_) ? "+octavo:convert" : "");
  }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  // A bfloat16 tensor's float32 twin in the scratchpad.
  struct Staged {
    size_t offset;
    StridedConversion conversion;
  };

  std::optional<Staged> widen(StepInput& input) {
    if (input.desc.dtype != DType::bf16) return std::nullopt;
    if (input.constant) {
      input.constant = widened(*input.constant);
      input.desc.dtype = DType::f32;
      return std::nullopt;
    }
    const TensorDesc narrow = input.desc;
    input.desc = widened(narrow);
    return Staged{scratch_.reserve(input.desc.span_bytes()),
                  {narrow, input.desc, RowConversion::cast(DType::bf16, DType::f32)}};
  }

  std::optional<Staged> widen(TensorDesc& output) {
    if (output.dtype != DType::bf16) return std::nullopt;
    const TensorDesc narrow = output;
    output = widened(narrow);
    return Staged{scratch_.reserve(output.span_bytes()),
                  {output, narrow, RowConversion::cast(DType::f32, DType::bf16)}};
  }

  ScratchLayout scratch_;
  std::vector<std::optional<Staged>> inputs_, outputs_;
  std::unique_ptr<Step> step_;
  size_t step_offset_ = 0;
};

bool has_bf16(const StepSpec& spec) {
  const auto is_bf16 = [](const TensorDesc& desc) { return desc.dtype == DType::bf16; };
  return std::any_of(spec.inputs.begin(), spec.inputs.end(),
                     [&](const auto& x) { return is_bf16(x.desc); }) ||
         std::any_of(spec.outputs.begin(), spec.outputs.end(), is_bf16);
}
}  // namespace

std::unique_ptr<Step> with_float32_fallback(const StepSpec& spec, StepCreator create) {
  if (!has_bf16(spec)) return create(spec);
  onednn::Rejections rejections;
  try {
    auto step = create(spec);
    const onednn::Implementation implementation(step->implementation());
    if (!implementation.is_reference) return step;
    rejections = step->rejections();
    rejections.add(implementation.name, "a reference kernel; float32 is faster");
  } catch (const dnnl::error& error) {
    if (error.status != dnnl_unimplemented) throw;
    rejections.add("oneDNN in bfloat16", error.what());
  }
  auto wide = std::make_unique<InFloat32>(spec, create, std::vector<size_t>{});
  wide->add_rejections(std::move(rejections));
  return wide;
}

std::unique_ptr<Step> in_float32(const StepSpec& spec, StepCreator create,
                                 const std::vector<size_t>& read_narrow) {
  if (!has_bf16(spec)) return create(spec);
  return std::make_unique<InFloat32>(spec, create, read_narrow);
}

}  // namespace octavo
