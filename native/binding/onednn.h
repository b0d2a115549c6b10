// What JavaScript asks of the oneDNN that the addon runs on.
#pragma once

#include <napi.h>

namespace octavo::binding {

// oneDnnVersion(): its version and runtime, the instruction set it uses, and what follows from that.
Napi::Value one_dnn_version(const Napi::CallbackInfo& info);

// packing(): what packed weights depend on, as text. Equal texts can share them.
Napi::Value packing(const Napi::CallbackInfo& info);

}  // namespace octavo::binding
