// execute(): one step, now, on the calling thread.
#pragma once

#include <napi.h>

namespace octavo::binding {

Napi::Value execute(const Napi::CallbackInfo& info);

// The addon's convolutionFault().
Napi::Value convolution_fault(const Napi::CallbackInfo& info);

}  // namespace octavo::binding
