#include "binding/onednn.h"

#include "onednn/plain_convolution.h"
#include "onednn/version.h"
#include "weights/packed_form.h"

namespace octavo::binding {

Napi::Value one_dnn_version(const Napi::CallbackInfo& info) {
  auto result = Napi::Object::New(info.Env());
  result.Set("version", onednn::version());
  result.Set("runtime", onednn::runtime());
  result.Set("isa", onednn::effective_isa());
  result.Set("int8SumsSaturate", onednn::int8_sums_saturate());
  result.Set("prefersChannelBlocks", onednn::prefers_channel_blocks());
  return result;
}

Napi::Value packing(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), octavo::packing());
}

}  // namespace octavo::binding
