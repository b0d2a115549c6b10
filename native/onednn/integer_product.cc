#include "onednn/integer_product.h"

#include "onednn/matmul_faults.h"

namespace octavo::onednn {

#if OCTAVO_ONEDNN_3
namespace {
template <typename T>
dnnl::memory scalar_memory(T value, dnnl::memory::data_type type) {
  dnnl::memory memory({{1}, type, dnnl::memory::dims{1}}, engine());
  *static_cast<T*>(memory.get_data_handle()) = value;
  return memory;
}
}  // namespace
#endif

Primitive make_integer_product(const IntegerProductProblem& problem, Rejections& rejections) {
  const auto a = to_onednn(problem.a), b = to_onednn(problem.b), dst = to_onednn(problem.dst);
  const std::pair<int, int32_t> zero_points[] = {{DNNL_ARG_SRC, problem.a_zero_point},
                                                 {DNNL_ARG_WEIGHTS, problem.b_zero_point},
                                                 {DNNL_ARG_DST, problem.dst_zero_point}};
  auto attributes = base_attributes();
#if OCTAVO_ONEDNN_3
  attributes.set_scales_mask(DNNL_ARG_SRC, 0);
  for (const auto& [argument, value] : zero_points)
    if (value != 0) attributes.set_zero_points_mask(argument, 0);
  dnnl::matmul::primitive_desc pd(engine(), a, b, dst, attributes);
#else
  attributes.set_output_scales(0, {problem.scale});
  for (const auto& [argument, value] : zero_points)
    if (value != 0) attributes.set_zero_points(argument, 0, {value});
  // A variable, because next_impl() refers to it.
  const dnnl::matmul::desc description(a, b, dst);
  dnnl::matmul::primitive_desc pd(description, attributes, engine());
#endif
  Implementation implementation(pd.impl_info_str());
  while (const char* fault = matmul_fault(implementation, problem.a.dtype, problem.a.shape.back())) {
    rejections.add(implementation.name, fault);
    if (!pd.next_impl())
      throw dnnl::error(dnnl_unimplemented, "oneDNN has no trustworthy implementation of this product");
    implementation = Implementation(pd.impl_info_str());
  }
  Primitive primitive(dnnl::matmul(pd), implementation, pd.scratchpad_desc());
  primitive.add(DNNL_ARG_SRC, a);
  primitive.add(DNNL_ARG_WEIGHTS, b);
  primitive.add(DNNL_ARG_DST, dst);
#if OCTAVO_ONEDNN_3
  using type = dnnl::memory::data_type;
  primitive.add(DNNL_ARG_ATTR_SCALES | DNNL_ARG_SRC, scalar_memory(problem.scale, type::f32));
  for (const auto& [argument, value] : zero_points)
    if (value != 0) primitive.add(DNNL_ARG_ATTR_ZERO_POINTS | argument, scalar_memory(value, type::s32));
#endif
  return primitive;
}

}  // namespace octavo::onednn
