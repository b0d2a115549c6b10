#include "onednn/convolution_gradients.h"

#include <optional>

namespace octavo::onednn {

namespace {
using Desc = dnnl::memory::desc;

Desc any_layout(const Dims& shape, DType dtype) {
  return {shape, to_onednn(dtype), dnnl::memory::format_tag::any};
}

struct Layouts {
  Desc src, weights, dst;
};

struct Geometry {
  Dims stride, dilation, begin, end;
};

Geometry geometry_of(const ConvolutionProblem& problem) {
  Geometry geometry{problem.stride, problem.dilation, problem.padding_begin, problem.padding_end};
  for (auto& step : geometry.dilation) step -= 1;  // oneDNN counts the gaps
  return geometry;
}

auto forward(const Layouts& of, const Geometry& g) {
  const auto kind = dnnl::prop_kind::forward_training;
  const auto algorithm = dnnl::algorithm::convolution_direct;
#if OCTAVO_ONEDNN_3
  return dnnl::convolution_forward::primitive_desc(engine(), kind, algorithm, of.src, of.weights, of.dst,
                                                   g.stride, g.dilation, g.begin, g.end, base_attributes());
#else
  return dnnl::convolution_forward::primitive_desc(
      {kind, algorithm, of.src, of.weights, of.dst, g.stride, g.dilation, g.begin, g.end}, base_attributes(),
      engine());
#endif
}

// PrimitiveDesc: of convolution_backward_data or convolution_backward_weights. `second` is what the first
// reads beside the gradient, `result` what it writes, in oneDNN's order of arguments.
template <typename Backward>
auto backward(const Desc& first, const Desc& second, const Desc& third, const Layouts& hint,
              const Geometry& g) {
  const auto algorithm = dnnl::algorithm::convolution_direct;
#if OCTAVO_ONEDNN_3
  return typename Backward::primitive_desc(engine(), algorithm, first, second, third, g.stride, g.dilation,
                                           g.begin, g.end, forward(hint, g), base_attributes());
#else
  return typename Backward::primitive_desc(
      {algorithm, first, second, third, g.stride, g.dilation, g.begin, g.end}, base_attributes(), engine(),
      forward(hint, g));
#endif
}

ConvolutionGradient of_input(const Layouts& layouts, const Layouts& hint, const Geometry& geometry) {
  const auto pd =
      backward<dnnl::convolution_backward_data>(layouts.src, layouts.weights, layouts.dst, hint, geometry);
  ConvolutionGradient made{Primitive(dnnl::convolution_backward_data(pd), Implementation(pd.impl_info_str()),
                                     pd.scratchpad_desc()),
                           pd.diff_src_desc(), pd.weights_desc(), pd.diff_dst_desc()};
  made.primitive.add(DNNL_ARG_DIFF_DST, made.dst);
  made.primitive.add(DNNL_ARG_WEIGHTS, made.weights);
  made.primitive.add(DNNL_ARG_DIFF_SRC, made.src);
  return made;
}

ConvolutionGradient of_weight(const Layouts& layouts, const Layouts& hint, const Geometry& geometry) {
  const auto pd =
      backward<dnnl::convolution_backward_weights>(layouts.src, layouts.weights, layouts.dst, hint, geometry);
  ConvolutionGradient made{Primitive(dnnl::convolution_backward_weights(pd),
                                     Implementation(pd.impl_info_str()), pd.scratchpad_desc()),
                           pd.src_desc(), pd.diff_weights_desc(), pd.diff_dst_desc()};
  made.primitive.add(DNNL_ARG_SRC, made.src);
  made.primitive.add(DNNL_ARG_DIFF_DST, made.dst);
  made.primitive.add(DNNL_ARG_DIFF_WEIGHTS, made.weights);
  return made;
}

// In the problem's layouts, or in those that oneDNN prefers.
enum class Images { as_given, any };

// The operand that the gradient is of has a type of its own; the others have that of the gradient that is
// read.
Layouts layouts_of(const ConvolutionProblem& problem, Images images, DType src_dtype, DType weights_dtype) {
  const auto image = [&](TensorDesc desc, DType dtype) {
    desc.dtype = dtype;
    return images == Images::any ? any_layout(desc.shape, dtype) : to_onednn(desc);
  };
  return {image(problem.src, src_dtype), any_layout(problem.weights, weights_dtype),
          image(problem.dst, problem.dst.dtype)};
}

ConvolutionGradient make(const ConvolutionProblem& problem, Images images, ConvolutionOperand of) {
  const auto geometry = geometry_of(problem);
  const DType read = problem.dst.dtype;
  const auto forward = layouts_of(problem, images, read, read);
  if (of == ConvolutionOperand::input)
    return of_input(layouts_of(problem, images, DType::f32, read), forward, geometry);
  return of_weight(layouts_of(problem, images, read, DType::f32), forward, geometry);
}
}  // namespace

ConvolutionGradient make_convolution_gradient(const ConvolutionProblem& problem, ConvolutionOperand of) {
  std::optional<ConvolutionGradient> given;
  try {
    given = make(problem, Images::as_given, of);
    if (!given->primitive.implementation().is_slow()) return std::move(*given);
  } catch (const dnnl::error& error) {
    if (error.status != dnnl_unimplemented) throw;
  }
  auto chosen = make(problem, Images::any, of);
  // Where both are plain loops, the one that needs no reorders.
  if (given && chosen.primitive.implementation().is_slow()) return std::move(*given);
  return chosen;
}

}  // namespace octavo::onednn
