// The JavaScript class Executor: a model's threads, the plans compiled on them and the requests they run.
#pragma once

#include <napi.h>

namespace octavo::binding {

// The class's constructor function.
Napi::Function executor_class(Napi::Env env);

}  // namespace octavo::binding
