// rawCpu(): what processor and kernel say, as JavaScript numbers. bindThread(): which CPUs the calling thread
// may use.
#pragma once

#include <napi.h>

namespace octavo::binding {

Napi::Value raw_cpu(const Napi::CallbackInfo& info);
void bind_thread(const Napi::CallbackInfo& info);

}  // namespace octavo::binding
