#include "steps/layers/row_pieces.h"

#include <algorithm>

namespace octavo {

namespace {
constexpr int64_t kLongRow = 128 * 1024;  // results
constexpr int64_t kPiece = 16 * 1024;

// From one column of an operand to that `columns` further.
int64_t bytes_of(const TensorDesc& desc, int64_t columns) {
  return columns * desc.strides.back() * static_cast<int64_t>(dtype_size(desc.dtype));
}

// The convolution that computes so many columns.
StepSpec piece_of(const StepSpec& spec, const onednn::ConvolutionProblem& problem, int addend,
                  int64_t columns) {
  StepSpec piece = spec;
  const int64_t span = (problem.weights.back() - 1) * problem.dilation.back() + 1;
  piece.inputs[0].desc.shape.back() = (columns - 1) * problem.stride.back() + span;
  piece.outputs[0].shape.back() = columns;
  if (addend >= 0) piece.inputs[addend].desc.shape.back() = columns;
  return piece;
}

class RowPieces : public Step {
 public:
  RowPieces(const StepSpec& spec, const onednn::ConvolutionProblem& problem, int addend, StepCreator create)
      : pieces_((problem.dst.shape.back() + kPiece - 1) / kPiece),
        source_bytes_(bytes_of(spec.inputs[0].desc, kPiece * problem.stride.back())),
        result_bytes_(bytes_of(spec.outputs[0], kPiece)),
        addend_bytes_(addend < 0 ? 0 : bytes_of(spec.inputs[addend].desc, kPiece)),
        addend_(addend),
        inputs_(spec.inputs.size()) {
    step_ = create(piece_of(spec, problem, addend, kPiece));
    const int64_t rest = problem.dst.shape.back() - (pieces_ - 1) * kPiece;
    last_ = create(piece_of(spec, problem, addend, rest));
    add_rejections(step_->rejections());
  }

  void execute(const Buffers& buffers) override {
    const auto operand = [&](size_t i, int64_t bytes) {
      return static_cast<const char*>(buffers.inputs[i]) + bytes;
    };
    inputs_.assign(buffers.inputs, buffers.inputs + inputs_.size());
    for (int64_t piece = 0; piece < pieces_; piece++) {
      inputs_[0] = operand(0, piece * source_bytes_);
      if (addend_ >= 0) inputs_[addend_] = operand(addend_, piece * addend_bytes_);
      void* output = static_cast<char*>(buffers.outputs[0]) + piece * result_bytes_;
      (piece + 1 < pieces_ ? step_ : last_)->execute({inputs_.data(), &output, buffers.scratchpad});
    }
  }

  std::string implementation() const override { return "octavo:pieces+" + step_->implementation(); }
  size_t scratchpad_bytes() const override {
    return std::max(step_->scratchpad_bytes(), last_->scratchpad_bytes());
  }

 private:
  int64_t pieces_;
  int64_t source_bytes_, result_bytes_, addend_bytes_;  // from one piece to the next
  int addend_;
  std::unique_ptr<Step> step_, last_;
  std::vector<const void*> inputs_;
};
}  // namespace

Refusal row_pieces_refusal(const StepSpec& spec, const Convolution& convolution, const FusedInputs& inputs) {
  if (convolution.problem.dst.shape.back() <= kLongRow) return "rows are short enough for oneDNN";
  if (convolution.weight.shape[1] == 1 && convolution.groups == convolution.weight.shape[0])
    return "depthwise kernels hold nothing by column";
  if (convolution.touches_blocks()) return "an image is in blocks of channels";
  const bool is_constant =
      spec.inputs[0].constant || (inputs.addend >= 0 && spec.inputs[inputs.addend].constant);
  if (is_constant) return "the image or the addend is constant";
  return std::nullopt;
}

std::unique_ptr<Step> create_row_pieces(const StepSpec& spec, const Convolution& convolution,
                                        const FusedInputs& inputs, StepCreator create) {
  return std::make_unique<RowPieces>(spec, convolution.problem, inputs.addend, create);
}

}  // namespace octavo
