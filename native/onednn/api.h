// oneDNN's header and its one version switch. Included by files of this folder alone, and through
// primitive.h.
#pragma once

#include <oneapi/dnnl/dnnl.hpp>

// 2.x describes an operation first (op descriptors, output scales); 3.x makes primitive descriptors directly
// and has scales of source, weights and destination.
#define OCTAVO_ONEDNN_3 (DNNL_VERSION_MAJOR >= 3)
