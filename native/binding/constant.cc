#include "binding/constant.h"

#include <cstring>
#include <stdexcept>

#include "binding/convert.h"

namespace octavo::binding {

namespace {
// Marks our externals, so that a foreign one is never taken for a constant.
constexpr napi_type_tag kConstantTag = {0x6f637461766f0001, 0x636f6e7374616e74};

struct ConstantHandle {
  std::shared_ptr<Constant> constant;
  int64_t held_bytes;  // that the garbage collector knows of
};

ConstantHandle* handle_of(const Napi::Value& value) {
  if (!value.IsObject()) return nullptr;
  const auto object = value.As<Napi::Object>();
  if (!object.CheckTypeTag(&kConstantTag)) return nullptr;
  return object.Get("handle").As<Napi::External<ConstantHandle>>().Data();
}

void release(Napi::Env env, ConstantHandle& handle) {
  if (!handle.constant) return;
  Napi::MemoryManagement::AdjustExternalMemory(env, -handle.held_bytes);
  handle.constant.reset();
}

// The garbage collector knows how much memory its small handles stand for.
Napi::Object wrap(Napi::Env env, std::shared_ptr<Constant> constant, size_t held_bytes) {
  const size_t bytes = constant->desc().span_bytes();
  auto handle =
      std::make_unique<ConstantHandle>(ConstantHandle{std::move(constant), static_cast<int64_t>(held_bytes)});
  Napi::MemoryManagement::AdjustExternalMemory(env, handle->held_bytes);
  auto object = Napi::Object::New(env);
  object.TypeTag(&kConstantTag);
  object.Set("byteLength", Napi::Number::New(env, static_cast<double>(bytes)));
  object.Set("handle",
             Napi::External<ConstantHandle>::New(env, handle.release(), [](Napi::Env e, ConstantHandle* h) {
               release(e, *h);
               delete h;
             }));
  object.Freeze();
  return object;
}

}  // namespace

std::shared_ptr<Constant> to_constant(const Napi::Value& value) {
  const auto* handle = handle_of(value);
  return handle ? handle->constant : nullptr;
}

Napi::Value create_constant(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return guarded(env, [&] {
    auto described = Napi::Object::New(env);
    described.Set("dtype", info[0]);
    described.Set("shape", info[1]);
    const auto desc = to_tensor_desc(described, "constant");
    const void* data = to_data(info[2], desc.span_bytes(), "constant " + desc.to_string());
    return wrap(env, std::make_shared<Constant>(desc, data), desc.span_bytes());
  });
}

Napi::Value open_weights(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return guarded(env, [&] {
    const auto file =
        std::make_shared<const WeightFile>(info[0].ToNumber().Int32Value(), info[1].ToString().Utf8Value());
    const auto list = info[2].As<Napi::Array>();
    auto constants = Napi::Array::New(env, list.Length());
    for (uint32_t i = 0; i < list.Length(); i++) {
      const auto described = list.Get(i);
      auto desc = to_tensor_desc(described, "constant");
      const int64_t position = described.As<Napi::Object>().Get("position").ToNumber().Int64Value();
      if (position < 0)
        throw std::invalid_argument("constant " + desc.to_string() + ": its position must not be negative");
      constants.Set(i, wrap(env, std::make_shared<Constant>(std::move(desc), file, position), 0));
    }
    return constants;
  });
}

void read_constant(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] {
    const auto constant = to_constant(info[0]);
    if (!constant) throw std::invalid_argument("readConstant: the constant was released, or is none");
    const size_t bytes = constant->desc().span_bytes();
    void* into = to_data(info[1], bytes, "readConstant");
    if (bytes > 0) std::memcpy(into, constant->data().get(), bytes);
  });
}

void release_constant(const Napi::CallbackInfo& info) {
  if (auto* handle = handle_of(info[0])) release(info.Env(), *handle);
}

}  // namespace octavo::binding
