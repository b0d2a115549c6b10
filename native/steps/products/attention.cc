// Scaled dot product attention: softmax(q k^T * scale + mask) v.
#include "contract/candidates.h"
#include "contract/table.h"
#include "onednn/rejections.h"
#include "onednn/version.h"
#include "operands/float32_fallback.h"
#include "steps/products/integer_attention.h"
#include "steps/products/product_attention.h"
#include "steps/products/tiled_attention.h"

namespace octavo {

namespace {
// Each tile of queries reads packed keys and values. For fewer queries than this, packing takes longer than
// their products.
constexpr int64_t kFewQueries = 8;

struct AttentionCall {
  explicit AttentionCall(const StepSpec& given) : spec(given), problem(given) {}

  const StepSpec& spec;
  AttentionProblem problem;
  onednn::Rejections rejections;
};

Refusal refuse_integer(AttentionCall& call) { return integer_attention_refusal(call.problem); }

Attempt make_integer(AttentionCall& call) { return {create_integer_attention(call.spec, call.problem)}; }

Refusal refuse_tiled(AttentionCall& call) {
  if (call.problem.group > 1 || call.problem.quantization) return std::nullopt;
  if (call.problem.queries() < kFewQueries) return "is for more queries";
  if (call.problem.query.dtype == DType::bf16 && onednn::multiplies_bf16_faster())
    return "multiplies in float32, which is slower than bfloat16 on this CPU";
  return std::nullopt;
}

Attempt make_tiled(AttentionCall& call) { return {create_tiled_attention(call.spec, call.problem)}; }

Refusal always(AttentionCall&) { return std::nullopt; }

Attempt make_products(AttentionCall& call) { return {create_product_attention(call.spec, call.problem)}; }

// In order of preference.
const Candidate<AttentionCall> candidates[] = {
    {"octavo's products of bytes", refuse_integer, make_integer},
    {"octavo:tiled_attention", refuse_tiled, make_tiled},
    {"oneDNN's products", always, make_products},
};

std::unique_ptr<Step> create(const StepSpec& spec) {
  AttentionCall call(spec);
  return create_preferred(candidates, call);
}
}  // namespace

std::unique_ptr<Step> create_attention(const StepSpec& spec) { return with_float32_fallback(spec, create); }

}  // namespace octavo
