// Constants as JavaScript has them: createConstant(), openWeightFile(), closeWeightFile(),
// openWeights(), reopenConstant(), readConstant(), releaseConstant(), and their packed forms: packedForms(),
// readPackedForm().
#pragma once

#include <napi.h>

#include <memory>

#include "weights/constant.h"

namespace octavo::binding {

Napi::Value create_constant(const Napi::CallbackInfo& info);
Napi::Value open_weight_file(const Napi::CallbackInfo& info);
void close_weight_file(const Napi::CallbackInfo& info);
Napi::Value open_weights(const Napi::CallbackInfo& info);
Napi::Value reopen_constant(const Napi::CallbackInfo& info);
void read_constant(const Napi::CallbackInfo& info);
Napi::Value packed_forms(const Napi::CallbackInfo& info);
void read_packed_form(const Napi::CallbackInfo& info);
void release_constant(const Napi::CallbackInfo& info);

// The constant behind a value made here, or null when it is something else or was released.
std::shared_ptr<Constant> to_constant(const Napi::Value& value);

}  // namespace octavo::binding
