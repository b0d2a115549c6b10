// oneDNN's reorder: the same logical tensor in another layout or element type.
#pragma once

#include "onednn/primitive.h"

namespace octavo::onednn {

// Arguments DNNL_ARG_FROM and DNNL_ARG_TO.
Primitive make_reorder(const dnnl::memory::desc& from, const dnnl::memory::desc& to);

}  // namespace octavo::onednn
