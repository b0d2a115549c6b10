// Statistics of float32 arrays for observers: minMax(), histogram(), rescaleHistogram(), searchHistogram().
#pragma once

#include <napi.h>

namespace octavo::binding {

// An object with the four functions; lib/native/addon.ts describes them.
Napi::Object make_observe(Napi::Env env);

}  // namespace octavo::binding
