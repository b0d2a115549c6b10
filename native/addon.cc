// Registration only: what the module exports, and what has to happen once before.
#include <napi.h>

#include "binding/batch.h"
#include "binding/constant.h"
#include "binding/cpu.h"
#include "binding/eager.h"
#include "binding/environment.h"
#include "binding/executor.h"
#include "binding/observe.h"
#include "binding/onednn.h"
#include "binding/plan.h"
#include "cpu/tile_permission.h"

namespace {
Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  octavo::binding::Environment::install(env);
  // Once, and before any of Octavo's threads starts. oneDNN requests it too, but only when it first looks for
  // AMX.
  octavo::cpu::request_tile_permission();
  exports.Set("oneDnnVersion", Napi::Function::New(env, octavo::binding::one_dnn_version));
  exports.Set("rawCpu", Napi::Function::New(env, octavo::binding::raw_cpu));
  exports.Set("bindThread", Napi::Function::New(env, octavo::binding::bind_thread));
  exports.Set("createConstant", Napi::Function::New(env, octavo::binding::create_constant));
  exports.Set("openWeightFile", Napi::Function::New(env, octavo::binding::open_weight_file));
  exports.Set("closeWeightFile", Napi::Function::New(env, octavo::binding::close_weight_file));
  exports.Set("openWeights", Napi::Function::New(env, octavo::binding::open_weights));
  exports.Set("reopenConstant", Napi::Function::New(env, octavo::binding::reopen_constant));
  exports.Set("readConstant", Napi::Function::New(env, octavo::binding::read_constant));
  exports.Set("packing", Napi::Function::New(env, octavo::binding::packing));
  exports.Set("packedForms", Napi::Function::New(env, octavo::binding::packed_forms));
  exports.Set("readPackedForm", Napi::Function::New(env, octavo::binding::read_packed_form));
  exports.Set("releaseConstant", Napi::Function::New(env, octavo::binding::release_constant));
  exports.Set("batch", Napi::Function::New(env, octavo::binding::new_batch));
  exports.Set("addBatchPlan", Napi::Function::New(env, octavo::binding::add_batch_plan));
  exports.Set("releaseBatch", Napi::Function::New(env, octavo::binding::release_batch));
  exports.Set("releasePlan", Napi::Function::New(env, octavo::binding::release_plan));
  exports.Set("execute", Napi::Function::New(env, octavo::binding::execute));
  exports.Set("convolutionFault", Napi::Function::New(env, octavo::binding::convolution_fault));
  exports.Set("Executor", octavo::binding::executor_class(env));
  exports.Set("observe", octavo::binding::make_observe(env));
  return exports;
}
}  // namespace

NODE_API_MODULE(octavo, initialize)
