#include "binding/convert.h"

#include <cmath>
#include <memory>
#include <stdexcept>

namespace octavo::binding {

namespace {
constexpr napi_type_tag kAttributesTag = {0x6f637461766f0004, 0x6174747269627574};

std::vector<double> to_numbers(const Napi::Array& array) {
  std::vector<double> numbers(array.Length());
  for (uint32_t i = 0; i < array.Length(); i++) numbers[i] = array.Get(i).ToNumber().DoubleValue();
  return numbers;
}

Attributes::Value to_attribute(const Napi::Value& value, const std::string& name) {
  if (value.IsNumber()) return value.As<Napi::Number>().DoubleValue();
  if (value.IsBoolean()) return value.As<Napi::Boolean>().Value();
  if (value.IsString()) return value.As<Napi::String>().Utf8Value();
  if (value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_float32_array) {
    const auto array = value.As<Napi::Float32Array>();
    return std::vector<double>(array.Data(), array.Data() + array.ElementLength());
  }
  if (value.IsArray()) {
    const auto array = value.As<Napi::Array>();
    if (array.Length() == 0 || array.Get(0u).IsNumber()) return to_numbers(array);
    Attributes::List list;
    for (uint32_t i = 0; i < array.Length(); i++) list.push_back(to_attributes(array.Get(i)));
    return list;
  }
  throw std::invalid_argument("attribute '" + name + "' is of a type that steps do not take");
}

Dims to_dims(const Napi::Value& value, const char* what) {
  if (!value.IsArray()) throw std::invalid_argument(std::string(what) + " must be an array of integers");
  const auto numbers = to_numbers(value.As<Napi::Array>());
  for (double number : numbers)
    if (!(std::abs(number) <= 9007199254740991.0) || number != std::floor(number))
      throw std::invalid_argument(std::string(what) + " must be an array of integers, got " +
                                  std::to_string(number));
  return Dims(numbers.begin(), numbers.end());
}
}  // namespace

size_t to_size(const Napi::Value& value, const std::string& what) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
  // 2^53: beyond it a JavaScript number is no integer any more.
  if (!(number >= 0 && number <= 9007199254740992.0) ||
      number != static_cast<double>(static_cast<size_t>(number)))
    throw std::invalid_argument(what + " must be a non-negative integer");
  return static_cast<size_t>(number);
}

TensorDesc to_tensor_desc(const Napi::Value& value, const char* what) {
  if (!value.IsObject()) throw std::invalid_argument(std::string(what) + " must be a tensor description");
  const auto object = value.As<Napi::Object>();
  TensorDesc desc;
  desc.dtype = dtype_from_name(object.Get("dtype").ToString().Utf8Value());
  desc.shape = to_dims(object.Get("shape"), "shape");
  for (int64_t extent : desc.shape)
    if (extent < 0)
      throw std::invalid_argument(std::string(what) + ": negative extent in " + desc.to_string());
  const auto strides = object.Get("strides");
  desc.strides = strides.IsUndefined() ? row_major_strides(desc.shape) : to_dims(strides, "strides");
  if (desc.strides.size() != desc.shape.size())
    throw std::invalid_argument(std::string(what) + ": " + desc.to_string() + " needs one stride per extent");
  return desc;
}

Attributes to_attributes(const Napi::Value& value) {
  if (!value.IsObject()) throw std::invalid_argument("attributes must be an object");
  const auto object = value.As<Napi::Object>();
  const auto names = object.GetPropertyNames();
  Attributes::Values values;
  for (uint32_t i = 0; i < names.Length(); i++) {
    const std::string name = names.Get(i).ToString().Utf8Value();
    values[name] = to_attribute(object.Get(name), name);
  }
  return Attributes(std::move(values));
}

Attributes to_shared_attributes(Napi::Env env, const Napi::Value& value) {
  if (!value.IsObject()) throw std::invalid_argument("attributes must be an object");
  const auto object = value.As<Napi::Object>();
  void* known = nullptr;
  if (object.CheckTypeTag(&kAttributesTag) && napi_unwrap(env, object, &known) == napi_ok)
    return *static_cast<const Attributes*>(known);
  auto converted = std::make_unique<Attributes>(to_attributes(value));
  const Attributes attributes = *converted;
  const auto release = [](napi_env, void* data, void*) { delete static_cast<Attributes*>(data); };
  object.TypeTag(&kAttributesTag);
  if (napi_wrap(env, object, converted.get(), release, nullptr, nullptr) == napi_ok) converted.release();
  return attributes;
}

std::optional<Elements> to_elements(const Napi::Value& value) {
  if (!value.IsTypedArray()) return std::nullopt;
  const auto array = value.As<Napi::TypedArray>();
  Elements elements{array.TypedArrayType(), array.ByteLength(), nullptr};
  // Not through Napi::ArrayBuffer, which is none of shared memory.
  if (napi_get_typedarray_info(value.Env(), value, nullptr, nullptr, &elements.data, nullptr, nullptr) !=
      napi_ok)
    return std::nullopt;
  return elements;
}

void* to_data(const Napi::Value& value, size_t bytes, const std::string& what) {
  const auto elements = to_elements(value);
  if (!elements) throw std::invalid_argument(what + ": data must be a TypedArray");
  if (elements->bytes < bytes)
    throw std::invalid_argument(what + ": data has " + std::to_string(elements->bytes) + " bytes, " +
                                std::to_string(bytes) + " are needed");
  return elements->data;
}

}  // namespace octavo::binding
