#include "onednn/matmul.h"

#include "onednn/matmul_faults.h"

namespace octavo::onednn {

namespace {
// Shorter rows spread over enough cache sets at any distance.
constexpr int64_t kShortRow = 1024 / sizeof(float);
constexpr int64_t kCacheLine = 64 / sizeof(float);

// Row-major float32 weights, contiguous or with rows that begin an odd number of cache lines apart. If the
// source has few rows, oneDNN's gemm reads unpacked weights column by column: contiguous rows of a multiple
// of 4 KiB all begin in the same cache set, and the product takes twice as long.
TensorDesc dense_rows(const TensorDesc& weights) {
  return {weights.dtype, weights.shape, row_major_strides(weights.shape)};
}
TensorDesc spread_rows(TensorDesc weights) {
  const int64_t lines = (weights.shape.back() + kCacheLine - 1) / kCacheLine;
  weights.strides = {(lines | 1) * kCacheLine, 1};
  return weights;
}

struct Operands {
  dnnl::memory::desc src, weights, bias, dst;
};

// The first implementation without a known fault.
dnnl::matmul::primitive_desc describe(const Operands& o, const TensorDesc& src,
                                      const dnnl::primitive_attr& attributes, Rejections& rejections) {
#if OCTAVO_ONEDNN_3
  dnnl::matmul::primitive_desc pd(engine(), o.src, o.weights, o.bias, o.dst, attributes);
#else
  // A variable, because next_impl() refers to it.
  const dnnl::matmul::desc description(o.src, o.weights, o.bias, o.dst);
  dnnl::matmul::primitive_desc pd(description, attributes, engine());
#endif
  do {
    const Implementation implementation(pd.impl_info_str());
    const char* fault = matmul_fault(implementation, src.dtype, src.shape.back());
    if (!fault) return pd;
    rejections.add(implementation.name, fault);
  } while (pd.next_impl());
  throw dnnl::error(dnnl_unimplemented, "oneDNN has no trustworthy implementation of this product");
}

TensorDesc with_two_rows(TensorDesc desc) {
  desc.shape[desc.shape.size() - 2] = 2;
  desc.strides = row_major_strides(desc.shape);
  return desc;
}

// `o` without the weights' layout, which is chosen here. From 3.12 on oneDNN has two for float32: columns,
// which are up to twice as fast for a single source row, and blocks for several rows.
Operands with_weights(Operands o, const TensorDesc& weights, Weights choice, const TensorDesc& src,
                      const TensorDesc& dst, const dnnl::primitive_attr& attributes, Rejections& rejections) {
  if (choice == Weights::as_given) {
    o.weights = to_onednn(weights);
    return o;
  }
  o.weights = {weights.shape, to_onednn(weights.dtype), dnnl::memory::format_tag::any};
  if (choice == Weights::shared && src.shape[src.shape.size() - 2] == 1) {
    const auto rows = with_two_rows(src);
    const Operands several{to_onednn(rows), o.weights, o.bias, to_onednn(with_two_rows(dst))};
    o.weights = describe(several, rows, attributes, rejections).weights_desc();
  }
  return o;
}
}  // namespace

FusedPrimitive make_matmul(const MatmulProblem& problem, const Fusion& fusion, AddendForm form,
                           Rejections& rejections) {
  const auto src = to_onednn(problem.src), dst = to_onednn(problem.dst);
  const int64_t channels = problem.dst.shape.back();
  const int last = 1 << (problem.dst.shape.size() - 1);
  auto fused = make_fused_attributes(fusion, form, dst, channels, {last, last});
  const bool has_bias = problem.has_bias || fused.needs_bias;
  Dims bias_shape(problem.dst.shape.size(), 1);
  bias_shape.back() = channels;
  const auto bias =
      has_bias ? dnnl::memory::desc(bias_shape, dnnl::memory::data_type::f32, row_major_strides(bias_shape))
               : dnnl::memory::desc();
  const TensorDesc& weights = problem.weights;
  auto pd = describe(with_weights({src, {}, bias, dst}, weights, problem.layout, problem.src, problem.dst,
                                  fused.attributes, rejections),
                     problem.src, fused.attributes, rejections);
  if (problem.layout != Weights::as_given && weights.dtype == DType::f32 && weights.shape.size() == 2 &&
      weights.shape[1] >= kShortRow && pd.weights_desc() == to_onednn(dense_rows(weights)))
    pd = describe({src, to_onednn(spread_rows(weights)), bias, dst}, problem.src, fused.attributes,
                  rejections);
  Primitive primitive(dnnl::matmul(pd), Implementation(pd.impl_info_str()), pd.scratchpad_desc());
  return complete(std::move(primitive), {src, pd.weights_desc(), bias, dst}, std::move(fused));
}

Product make_product(const ProductProblem& problem, Rejections& rejections) {
  const auto a = to_onednn(problem.a), dst = to_onednn(problem.dst);
  auto attributes = base_attributes();
  dnnl::post_ops post_ops;
  // 2.x keeps one function of each kind per kernel, so the first factor becomes its output scale.
  const auto scale_product = [&](float factor) {
    if (factor == 1) return;
#if OCTAVO_ONEDNN_3
    post_ops.append_eltwise(dnnl::algorithm::eltwise_linear, factor, 0);
#else
    attributes.set_output_scales(0, {factor});
#endif
  };
  const auto scale_sum = [&](float factor) {
    if (factor == 1) return;
#if OCTAVO_ONEDNN_3
    post_ops.append_eltwise(dnnl::algorithm::eltwise_linear, factor, 0);
#else
    post_ops.append_eltwise(1, dnnl::algorithm::eltwise_linear, factor, 0);
#endif
  };
  int c_argument = 0;
  if (problem.c) {
    scale_product(problem.alpha / problem.beta);
    c_argument = DNNL_ARG_ATTR_MULTIPLE_POST_OP(post_ops.len()) | DNNL_ARG_SRC_1;
    post_ops.append_binary(dnnl::algorithm::binary_add, to_onednn(*problem.c));
    scale_sum(problem.beta);
  } else {
    scale_product(problem.alpha);
  }
  attributes.set_post_ops(post_ops);
  const auto pd = describe(with_weights({a, {}, {}, dst}, problem.b, problem.layout, problem.a, problem.dst,
                                        attributes, rejections),
                           problem.a, attributes, rejections);
  Primitive primitive(dnnl::matmul(pd), Implementation(pd.impl_info_str()), pd.scratchpad_desc());
  primitive.add(DNNL_ARG_SRC, a);
  primitive.add(DNNL_ARG_WEIGHTS, pd.weights_desc());
  primitive.add(DNNL_ARG_DST, dst);
  if (c_argument) primitive.add(c_argument, to_onednn(*problem.c));
  return {std::move(primitive), pd.weights_desc(), c_argument};
}

}  // namespace octavo::onednn
