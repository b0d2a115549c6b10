#include "binding/constant.h"

#include <cstring>
#include <optional>
#include <stdexcept>

#include "binding/convert.h"

namespace octavo::binding {

namespace {
// Mark our externals, so that a foreign one is never taken for one of them.
constexpr napi_type_tag kConstantTag = {0x6f637461766f0001, 0x636f6e7374616e74};

constexpr napi_type_tag kWeightFileTag = {0x6f637461766f0002, 0x7765696768747346};

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

namespace {
std::map<std::string, StoredForm> to_stored_forms(const Napi::Value& value) {
  std::map<std::string, StoredForm> forms;
  if (value.IsUndefined()) return forms;
  const auto list = value.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); i++) {
    const auto form = list.Get(i).As<Napi::Object>();
    forms[form.Get("key").ToString().Utf8Value()] = {
        to_size(form.Get("position"), "a packed form's position"),
        to_size(form.Get("byteLength"), "a packed form's byteLength")};
  }
  return forms;
}

// Null once it is closed.
using WeightFileHandle = std::shared_ptr<const WeightFile>;

WeightFileHandle& to_weight_file(const Napi::Value& value, const char* where) {
  if (!value.IsExternal() || !value.As<Napi::Object>().CheckTypeTag(&kWeightFileTag))
    throw std::invalid_argument(std::string(where) + ": this is no file of weights");
  return *value.As<Napi::External<WeightFileHandle>>().Data();
}

std::optional<Checksum> to_checksum(const Napi::Value& value) {
  if (!value.IsObject()) return std::nullopt;
  const auto checksum = value.As<Napi::Object>();
  return Checksum{checksum.Get("crc32").ToNumber().Uint32Value(),
                  checksum.Get("name").ToString().Utf8Value()};
}

std::shared_ptr<Constant> expect_constant(const Napi::Value& value, const char* where) {
  auto constant = to_constant(value);
  if (!constant) throw std::invalid_argument(std::string(where) + ": the constant was released, or is none");
  return constant;
}
}  // namespace

Napi::Value open_weight_file(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return guarded(env, [&] {
    auto file = std::make_unique<WeightFileHandle>(
        std::make_shared<const WeightFile>(info[0].ToNumber().Int32Value(), info[1].ToString().Utf8Value()));
    auto external = Napi::External<WeightFileHandle>::New(
        env, file.release(), [](Napi::Env, WeightFileHandle* held) { delete held; });
    external.TypeTag(&kWeightFileTag);
    return external;
  });
}

void close_weight_file(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] { to_weight_file(info[0], "closeWeightFile").reset(); });
}

Napi::Value open_weights(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return guarded(env, [&] {
    const auto file = to_weight_file(info[0], "openWeights");
    if (!file) throw std::invalid_argument("openWeights: the file was closed");
    const auto list = info[1].As<Napi::Array>();
    auto constants = Napi::Array::New(env, list.Length());
    for (uint32_t i = 0; i < list.Length(); i++) {
      const auto described = list.Get(i).As<Napi::Object>();
      auto desc = to_tensor_desc(described, "constant");
      const int64_t position = described.Get("position").ToNumber().Int64Value();
      if (position < 0)
        throw std::invalid_argument("constant " + desc.to_string() + ": its position must not be negative");
      auto forms = to_stored_forms(described.Get("forms"));
      StoredElements elements{
          file, static_cast<size_t>(position), to_checksum(described.Get("checksum")), {}};
      auto constant = std::make_shared<Constant>(std::move(desc), std::move(elements), std::move(forms));
      constants.Set(i, wrap(env, std::move(constant), 0));
    }
    return constants;
  });
}

Napi::Value reopen_constant(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const auto constant = expect_constant(info[0], "reopenConstant");
    const auto* in_file = constant->elements_in_file();
    if (!in_file) throw std::invalid_argument("reopenConstant: the constant is in memory");
    auto elements = *in_file;
    if (const auto factors = to_elements(info[1])) {
      const auto& desc = constant->desc();
      const size_t count = factors->bytes / sizeof(float);
      if (desc.dtype != DType::f32 || factors->type != napi_float32_array || count == 0 ||
          desc.span_bytes() / sizeof(float) % count != 0)
        throw std::invalid_argument("reopenConstant: " + desc.to_string() + " cannot be multiplied by " +
                                    std::to_string(count) + " factors");
      const auto* first = static_cast<const float*>(factors->data);
      elements.factors.emplace_back(first, first + count);
    }
    return wrap(env,
                std::make_shared<Constant>(constant->desc(), std::move(elements),
                                           std::map<std::string, StoredForm>{}),
                0);
  });
}

void read_constant(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] {
    const auto constant = expect_constant(info[0], "readConstant");
    const size_t bytes = constant->desc().span_bytes();
    void* into = to_data(info[1], bytes, "readConstant");
    if (bytes > 0) std::memcpy(into, constant->data().get(), bytes);
  });
}

Napi::Value packed_forms(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return guarded(env, [&] {
    const auto forms = expect_constant(info[0], "packedForms")->forms();
    auto list = Napi::Array::New(env, forms.size());
    for (size_t i = 0; i < forms.size(); i++) {
      const auto& [form, data, is_from_file] = forms[i];
      auto described = Napi::Object::New(env);
      described.Set("key", form.key);
      described.Set("byteLength", static_cast<double>(form.bytes));
      described.Set("isLasting", form.is_lasting);
      described.Set("isFromFile", is_from_file);
      list.Set(static_cast<uint32_t>(i), described);
    }
    return list;
  });
}

void read_packed_form(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] {
    const auto key = info[1].ToString().Utf8Value();
    for (const auto& [form, data, is_from_file] : expect_constant(info[0], "readPackedForm")->forms()) {
      if (form.key != key) continue;
      void* into = to_data(info[2], form.bytes, "readPackedForm");
      if (form.bytes > 0) std::memcpy(into, data.get(), form.bytes);
      return;
    }
    throw std::invalid_argument("readPackedForm: the constant has no form '" + key + "'");
  });
}

void release_constant(const Napi::CallbackInfo& info) {
  if (auto* handle = handle_of(info[0])) release(info.Env(), *handle);
}

}  // namespace octavo::binding
