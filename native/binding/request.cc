#include "binding/request.h"

#include <stdexcept>
#include <string>
#include <utility>

#include "binding/convert.h"

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

void* to_buffer(const Napi::Value& value, const TensorDesc& desc, size_t parts, const char* what,
                uint32_t index) {
  const auto refuse = [&](const std::string& got) {
    throw std::invalid_argument("run: " + std::string(what) + " " + std::to_string(index) + " must be " +
                                (parts > 1 ? std::to_string(parts) + " times " : "") + desc.to_string() +
                                " (" + std::to_string(desc.span_bytes()) + " bytes), got " + got);
  };
  const auto elements = to_elements(value);
  if (!elements) refuse("something that is no TypedArray");
  if (!holds(elements->type, desc.dtype)) refuse("an array of another element type");
  const size_t bytes = elements->bytes, each = desc.span_bytes();
  const bool fits = each == 0 ? bytes == 0 : bytes % each == 0 && bytes / each == parts;
  if (!fits) refuse(std::to_string(bytes) + " bytes");
  return elements->data;
}

void append_buffers(Request& request, const Napi::Value& value, const std::vector<TensorDesc>& descs,
                    const char* what) {
  const uint32_t count = value.IsArray() ? value.As<Napi::Array>().Length() : 0;
  if (!value.IsArray() || count != descs.size())
    throw std::invalid_argument(std::string("run: expected an array of ") + std::to_string(descs.size()) +
                                " " + what + "s");
  for (uint32_t i = 0; i < count; i++)
    request.buffers.push_back(to_buffer(value.As<Napi::Array>().Get(i), descs[i], request.parts, what, i));
}

using Bytes = std::pair<const uint8_t*, const uint8_t*>;

bool overlap(const Bytes& a, const Bytes& b) { return a.first < b.second && b.first < a.second; }

// By addresses, not by ArrayBuffers: two SharedArrayBuffer objects may be the same memory.
void refuse_shared_outputs(const Request& request) {
  const auto& plan = *request.plan->plan;
  const size_t inputs = plan.inputs.size();
  std::vector<Bytes> ranges;
  for (size_t i = 0; i < request.buffers.size(); i++) {
    const auto& desc = i < inputs ? plan.inputs[i] : plan.outputs[i - inputs];
    const auto* first = static_cast<const uint8_t*>(request.buffers[i]);
    ranges.emplace_back(first, first + request.parts * desc.span_bytes());
  }
  const auto name = [&](size_t i) {
    return i < inputs ? "input " + std::to_string(i) : "output " + std::to_string(i - inputs);
  };
  for (size_t i = inputs; i < ranges.size(); i++)
    for (size_t j = 0; j < i; j++)
      if (overlap(ranges[i], ranges[j]))
        throw std::invalid_argument("run: " + name(i) + " shares memory with " + name(j) +
                                    "; every output needs memory of its own");
}

}  // namespace

Request to_request(const void* owner, const Napi::Value& plan, const Napi::Value& inputs,
                   const Napi::Value& outputs, const Napi::Value& parts) {
  Request request{unwrap_plan(plan), {}, parts.IsUndefined() ? 1 : to_size(parts, "run: parts")};
  if (request.parts < 1) throw std::invalid_argument("run: parts must be 1 or more");
  if (!request.plan || request.plan->owner != owner)
    throw std::invalid_argument("run: the plan was not compiled by this executor");
  const auto& described = *request.plan->plan;
  request.buffers.reserve(described.inputs.size() + described.outputs.size());
  append_buffers(request, inputs, described.inputs, "input");
  append_buffers(request, outputs, described.outputs, "output");
  refuse_shared_outputs(request);
  return request;
}

}  // namespace octavo::binding
