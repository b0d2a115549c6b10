#include "binding/request.h"

#include <stdexcept>
#include <string>

namespace octavo::binding {
namespace {

bool holds(napi_typedarray_type type, DType dtype) {
  switch (dtype) {
    case DType::f32:
      return type == napi_float32_array;
    case DType::f64:
      return type == napi_float64_array;
    case DType::u8:
    case DType::boolean:
      return type == napi_uint8_array || type == napi_uint8_clamped_array;
    case DType::s8:
      return type == napi_int8_array;
    case DType::f16:
    case DType::bf16:
    case DType::u16:
      return type == napi_uint16_array;
    case DType::s16:
      return type == napi_int16_array;
    case DType::s32:
      return type == napi_int32_array;
    case DType::s64:
      return type == napi_bigint64_array;
  }
  return false;
}

void* to_buffer(const Napi::Value& value, const TensorDesc& desc, const char* what, uint32_t index) {
  const auto refuse = [&](const std::string& got) {
    throw std::invalid_argument("run: " + std::string(what) + " " + std::to_string(index) + " must be " +
                                desc.to_string() + " (" + std::to_string(desc.span_bytes()) +
                                " bytes), got " + got);
  };
  if (!value.IsTypedArray()) refuse("something that is no TypedArray");
  napi_typedarray_type type;
  size_t length;
  void* data;
  // Not through Napi::ArrayBuffer: the memory may be shared (SharedArrayBuffer), too.
  if (napi_get_typedarray_info(value.Env(), value, &type, &length, &data, nullptr, nullptr) != napi_ok)
    refuse("an array whose memory is not accessible");
  if (!holds(type, desc.dtype)) refuse("an array of another element type");
  const size_t bytes = length * dtype_size(desc.dtype);
  if (bytes != desc.span_bytes()) refuse(std::to_string(bytes) + " bytes");
  return data;
}

void append_buffers(Request& request, const Napi::Value& value, const std::vector<TensorDesc>& descs,
                    const char* what) {
  const uint32_t count = value.IsArray() ? value.As<Napi::Array>().Length() : 0;
  if (!value.IsArray() || count != descs.size())
    throw std::invalid_argument(std::string("run: expected an array of ") + std::to_string(descs.size()) +
                                " " + what + "s");
  for (uint32_t i = 0; i < count; i++)
    request.buffers.push_back(to_buffer(value.As<Napi::Array>().Get(i), descs[i], what, i));
}

}  // namespace

Request to_request(const void* owner, const Napi::Value& plan, const Napi::Value& inputs,
                   const Napi::Value& outputs) {
  Request request{unwrap_plan(plan), {}};
  if (!request.plan || request.plan->owner != owner)
    throw std::invalid_argument("run: the plan was not compiled by this executor");
  const auto& described = *request.plan->plan;
  request.buffers.reserve(described.inputs.size() + described.outputs.size());
  append_buffers(request, inputs, described.inputs, "input");
  append_buffers(request, outputs, described.outputs, "output");
  return request;
}

}  // namespace octavo::binding
