#include "binding/eager.h"

#include "binding/constant.h"
#include "binding/convert.h"
#include "binding/environment.h"
#include "steps/layers/convolution_problem.h"
#include "weights/aligned_buffer.h"

namespace octavo::binding {

namespace {
// A step without its operands.
StepSpec to_step(const Napi::Value& value) {
  const auto description = value.As<Napi::Object>();
  StepSpec spec;
  spec.op = description.Get("op").ToString().Utf8Value();
  spec.node = description.Get("node").ToString().Utf8Value();
  spec.attributes = to_attributes(description.Get("attributes"));
  return spec;
}
}  // namespace

Napi::Value execute(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    auto spec = to_step(info[0]);
    std::vector<const void*> inputs;
    std::vector<void*> outputs;
    const auto input_array = info[1].As<Napi::Array>(), output_array = info[2].As<Napi::Array>();
    for (uint32_t i = 0; i < input_array.Length(); i++) {
      const auto value = input_array.Get(i);
      const auto desc = to_tensor_desc(value, "input");
      const auto data = value.As<Napi::Object>().Get("data");
      auto constant = to_constant(data);
      inputs.push_back(constant ? nullptr
                                : to_data(data, desc.span_bytes(), spec.op + " '" + spec.node + "' input"));
      spec.inputs.push_back({desc, std::move(constant)});
    }
    for (uint32_t i = 0; i < output_array.Length(); i++) {
      const auto value = output_array.Get(i);
      spec.outputs.push_back(to_tensor_desc(value, "output"));
      outputs.push_back(to_data(value.As<Napi::Object>().Get("data"), spec.outputs.back().span_bytes(),
                                spec.op + " '" + spec.node + "' output"));
    }
    Environment::of(env)->computed_here();
    const auto step = create_step(spec);
    const auto scratchpad = aligned_buffer(step->scratchpad_bytes());
    step->execute({inputs.data(), outputs.data(), scratchpad.get()});
    return Napi::String::New(env, step->implementation());
  });
}

Napi::Value convolution_fault(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    auto spec = to_step(info[1]);
    const auto inputs = info[2].As<Napi::Array>();
    for (uint32_t i = 0; i < inputs.Length(); i++)
      spec.inputs.push_back({to_tensor_desc(inputs.Get(i), "input"), nullptr});
    spec.outputs.push_back(to_tensor_desc(info[3], "output"));
    const char* fault = known_fault(onednn::Implementation(info[0].ToString().Utf8Value()), spec);
    return fault ? Napi::String::New(env, fault) : env.Null();
  });
}

}  // namespace octavo::binding
