// rawCpu(): what processor and kernel say, as JavaScript numbers.
#pragma once

#include <napi.h>

namespace octavo::binding {

Napi::Value raw_cpu(const Napi::CallbackInfo& info);

}  // namespace octavo::binding
