// oneDNN's header and the only switch on its version. Included only by files of this folder, and indirectly
// through primitive.h.
#pragma once

#include <oneapi/dnnl/dnnl.hpp>

// 2.x first describes an operation (op descriptors, output scales). 3.x makes primitive descriptors directly
// and has scales of source, weights and destination.
#define OCTAVO_ONEDNN_3 (DNNL_VERSION_MAJOR >= 3)
