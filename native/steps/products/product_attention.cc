#include "steps/products/product_attention.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "contract/input_value.h"
#include "contract/scratch.h"
#include "kernels/arithmetic.h"
#include "kernels/normalization.h"
#include "kernels/parallel.h"
#include "onednn/matmul.h"
#include "rows/pointwise.h"
#include "rows/strided.h"

namespace octavo {

namespace {
// An operand of a matrix product: as it lies where its rows or columns are dense, else copied to the
// scratchpad.
class Matrices {
 public:
  Matrices(const TensorDesc& desc, ScratchLayout& scratch) : desc_(desc) {
    const size_t rank = desc.shape.size();
    const int64_t rows = desc.shape[rank - 2], columns = desc.shape[rank - 1];
    const int64_t down = desc.strides[rank - 2], right = desc.strides[rank - 1];
    if ((right == 1 && down >= columns) || (down == 1 && right >= rows)) return;
    desc_.strides = row_major_strides(desc.shape);
    staging_ = scratch.reserve(desc_.span_bytes());
    copy_.emplace(desc, desc_, kernels::RowConversion::move(desc.dtype));
  }

  const TensorDesc& desc() const { return desc_; }
  const void* resolve(const void* data, void* scratchpad) const {
    if (!copy_) return data;
    void* staging = ScratchLayout::at(scratchpad, staging_);
    copy_->execute(data, staging);
    return staging;
  }
  std::string prefix() const { return copy_ ? "octavo:copy+" : ""; }

 private:
  TensorDesc desc_;
  std::optional<StridedConversion> copy_;
  size_t staging_ = 0;
};

TensorDesc transposed(TensorDesc desc) {
  const size_t rank = desc.shape.size();
  std::swap(desc.shape[rank - 2], desc.shape[rank - 1]);
  std::swap(desc.strides[rank - 2], desc.strides[rank - 1]);
  return desc;
}

class ProductAttention : public Step {
 public:
  ProductAttention(const StepSpec& spec, const AttentionProblem& problem)
      : query_(spec, 0, "the query"),
        key_(spec, 1, "the key"),
        value_(spec, 2, "the value"),
        causal_(problem.causal),
        q_(problem.query, scratch_),
        k_(transposed(problem.key), scratch_),
        v_(problem.value, scratch_),
        out_(problem.result),
        scores_{DType::f32, problem.query.shape, {}},
        weights_(scores_),
        length_(problem.length()) {
    const size_t rank = problem.rank();
    scores_.shape[rank - 1] = length_;
    scores_.strides = row_major_strides(scores_.shape);
    scores_at_ = weights_at_ = scratch_.reserve(scores_.span_bytes());
    weights_ = {out_.dtype, scores_.shape, scores_.strides};
    if (weights_.dtype != scores_.dtype) {
      weights_at_ = scratch_.reserve(weights_.span_bytes());
      round_.emplace(scores_, weights_, kernels::RowConversion::cast(scores_.dtype, weights_.dtype));
    }
    if (problem.mask) add_mask(spec);
    onednn::Rejections rejections;
    first_.emplace(onednn::make_product(
        {q_.desc(), k_.desc(), scores_, onednn::Weights::as_given, std::nullopt, problem.scale, 1},
        rejections));
    if (out_.strides[rank - 1] != 1) {
      const TensorDesc staged{out_.dtype, out_.shape, row_major_strides(out_.shape)};
      out_at_ = scratch_.reserve(staged.span_bytes());
      scatter_.emplace(staged, out_, kernels::RowConversion::move(out_.dtype));
      out_ = staged;
    }
    second_.emplace(onednn::make_product(
        {weights_, v_.desc(), out_, onednn::Weights::as_given, std::nullopt, 1, 1}, rejections));
    add_rejections(std::move(rejections));
    first_scratch_ = scratch_.reserve(first_->primitive.scratchpad_bytes());
    second_scratch_ = scratch_.reserve(second_->primitive.scratchpad_bytes());
  }

  void execute(const Buffers& buffers) override {
    float* scores = static_cast<float*>(ScratchLayout::at(buffers.scratchpad, scores_at_));
    run(first_->primitive, q_.resolve(query_.data(buffers), buffers.scratchpad),
        k_.resolve(key_.data(buffers), buffers.scratchpad), scores,
        ScratchLayout::at(buffers.scratchpad, first_scratch_));
    if (mask_) {
      const void* inputs[] = {scores, mask_values(buffers)};
      mask_loop_->execute(scores, inputs, [](const float* const* in, float* out, int64_t n) {
        kernels::add_rows(in[0], in[1], out, n);
      });
    }
    softmax(scores);
    void* weights = ScratchLayout::at(buffers.scratchpad, weights_at_);
    if (round_) round_->execute(scores, weights);
    void* out = scatter_ ? ScratchLayout::at(buffers.scratchpad, out_at_) : buffers.outputs[0];
    run(second_->primitive, weights, v_.resolve(value_.data(buffers), buffers.scratchpad), out,
        ScratchLayout::at(buffers.scratchpad, second_scratch_));
    if (scatter_) scatter_->execute(out, buffers.outputs[0]);
  }

  std::string implementation() const override {
    return q_.prefix() + k_.prefix() + v_.prefix() + first_->primitive.implementation().name +
           "+octavo:softmax+" + (round_ ? "octavo:convert+" : "") + second_->primitive.implementation().name +
           (scatter_ ? "+octavo:copy" : "");
  }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  static void run(onednn::Primitive& product, const void* a, const void* b, void* out, void* scratchpad) {
    product.bind(DNNL_ARG_SRC, a);
    product.bind(DNNL_ARG_WEIGHTS, b);
    product.bind(DNNL_ARG_DST, out);
    product.execute(scratchpad);
  }

  void add_mask(const StepSpec& spec) {
    mask_.emplace(spec, 3, "the mask");
    TensorDesc desc = mask_->desc();
    if (desc.dtype == DType::boolean) {
      boolean_mask_ = desc;
      desc = {DType::f32, desc.shape, row_major_strides(desc.shape)};
      mask_at_ = scratch_.reserve(desc.span_bytes());
    }
    mask_loop_.emplace(PointwiseOperand{scores_, {}},
                       std::vector<PointwiseOperand>{{scores_, {}}, {desc, {}}});
  }

  const void* mask_values(const Buffers& buffers) const {
    const void* mask = mask_->data(buffers);
    if (!boolean_mask_) return mask;
    float* values = static_cast<float*>(ScratchLayout::at(buffers.scratchpad, mask_at_));
    const LoopNest nest(boolean_mask_->shape,
                        {row_major_strides(boolean_mask_->shape), boolean_mask_->strides});
    const int64_t count = boolean_mask_->numel();
    for (int64_t i = 0; i < count; i++) {
      const bool attends = static_cast<const uint8_t*>(mask)[nest.offset(1, i, nest.extents.size())] != 0;
      values[nest.offset(0, i, nest.extents.size())] = attends ? 0 : -std::numeric_limits<float>::infinity();
    }
    return values;
  }

  void softmax(float* scores) const {
    const int64_t queries = scores_.shape[scores_.shape.size() - 2];
    const auto bytes = static_cast<int64_t>(scores_.span_bytes());
    kernels::parallel_for(scores_.numel() / length_, bytes, [&](int64_t row) {
      float* values = scores + row * length_;
      const int64_t seen = causal_ ? std::min(row % queries + 1, length_) : length_;
      kernels::masked_softmax_row(values, values, seen);
      std::fill(values + seen, values + length_, 0.0f);
    });
  }

  InputValue query_, key_, value_;
  bool causal_;
  ScratchLayout scratch_;
  Matrices q_, k_, v_;
  TensorDesc out_, scores_, weights_;
  int64_t length_;
  std::optional<InputValue> mask_;
  std::optional<TensorDesc> boolean_mask_;
  std::optional<PointwiseLoop> mask_loop_;
  std::optional<onednn::Product> first_, second_;
  std::optional<StridedConversion> round_, scatter_;
  size_t scores_at_ = 0, weights_at_ = 0, mask_at_ = 0, out_at_ = 0, first_scratch_ = 0, second_scratch_ = 0;
};

}  // namespace

std::unique_ptr<Step> create_product_attention(const StepSpec& spec, const AttentionProblem& problem) {
  return std::make_unique<ProductAttention>(spec, problem);
}

}  // namespace octavo
