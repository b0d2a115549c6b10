#include "onednn/reorder.h"

namespace octavo::onednn {

Primitive make_reorder(const dnnl::memory::desc& from, const dnnl::memory::desc& to) {
  const dnnl::reorder::primitive_desc pd(engine(), from, engine(), to, base_attributes());
  Primitive primitive(dnnl::reorder(pd), Implementation(pd.impl_info_str()), pd.scratchpad_desc());
  primitive.add(DNNL_ARG_FROM, from);
  primitive.add(DNNL_ARG_TO, to);
  return primitive;
}

}  // namespace octavo::onednn
