#include "binding/eager.h"

#include <cstdlib>
#include <stdexcept>

#include "binding/convert.h"
#include "binding/environment.h"

namespace octavo::binding {

namespace {
// Marks our externals, so that a foreign one is never taken for a constant.
constexpr napi_type_tag kConstantTag = {0x6f637461766f0001, 0x636f6e7374616e74};
using ConstantHandle = std::shared_ptr<Constant>;

struct AlignedFree {
  void operator()(void* pointer) const { std::free(pointer); }
};

std::unique_ptr<void, AlignedFree> scratchpad_for(const Step& step) {
  const size_t bytes = step.scratchpad_bytes();
  std::unique_ptr<void, AlignedFree> memory(bytes ? std::aligned_alloc(64, (bytes + 63) / 64 * 64) : nullptr);
  if (bytes && !memory) throw std::bad_alloc();
  return memory;
}

ConstantHandle* constant_handle(const Napi::Value& value) {
  if (!value.IsObject()) return nullptr;
  const auto object = value.As<Napi::Object>();
  if (!object.CheckTypeTag(&kConstantTag)) return nullptr;
  return object.Get("handle").As<Napi::External<ConstantHandle>>().Data();
}

// The garbage collector knows how much memory its small handles stand for.
void release(Napi::Env env, ConstantHandle& handle) {
  if (!handle) return;
  Napi::MemoryManagement::AdjustExternalMemory(env, -static_cast<int64_t>(handle->desc().span_bytes()));
  handle.reset();
}
}  // namespace

std::shared_ptr<Constant> to_constant(const Napi::Value& value) {
  const auto* handle = constant_handle(value);
  return handle ? *handle : nullptr;
}

Napi::Value create_constant(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    TensorDesc desc;
    desc.dtype = dtype_from_name(info[0].ToString().Utf8Value());
    auto described = Napi::Object::New(env);
    described.Set("dtype", info[0]);
    described.Set("shape", info[1]);
    desc = to_tensor_desc(described, "constant");
    const void* data = to_data(info[2], desc.span_bytes(), "constant " + desc.to_string());
    auto handle = std::make_unique<ConstantHandle>(std::make_shared<Constant>(desc, data));
    Napi::MemoryManagement::AdjustExternalMemory(env, static_cast<int64_t>(desc.span_bytes()));
    auto object = Napi::Object::New(env);
    object.TypeTag(&kConstantTag);
    object.Set("byteLength", Napi::Number::New(env, static_cast<double>(desc.span_bytes())));
    object.Set("handle",
               Napi::External<ConstantHandle>::New(env, handle.release(), [](Napi::Env e, ConstantHandle* h) {
                 release(e, *h);
                 delete h;
               }));
    object.Freeze();
    return object;
  });
}

void release_constant(const Napi::CallbackInfo& info) {
  if (auto* handle = constant_handle(info[0])) release(info.Env(), *handle);
}

Napi::Value execute(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const auto description = info[0].As<Napi::Object>();
    StepSpec spec;
    spec.op = description.Get("op").ToString().Utf8Value();
    spec.node = description.Get("node").ToString().Utf8Value();
    spec.attributes = to_attributes(description.Get("attributes"));
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
    const auto scratchpad = scratchpad_for(*step);
    step->execute({inputs.data(), outputs.data(), scratchpad.get()});
    return Napi::String::New(env, step->implementation());
  });
}

}  // namespace octavo::binding
