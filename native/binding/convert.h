// From JavaScript values to plain structs, on the main thread. No worker ever sees a napi type.
#pragma once

#include <napi.h>

#include <optional>

#include "binding/js_error.h"
#include "contract/step.h"

namespace octavo::binding {

// A non-negative integer. Throws std::invalid_argument that begins with `what`.
size_t to_size(const Napi::Value& value, const std::string& what);
TensorDesc to_tensor_desc(const Napi::Value& value, const char* what);
Attributes to_attributes(const Napi::Value& value);
// The same for an object that never changes: it is converted once, and remembers what it became.
Attributes to_shared_attributes(Napi::Env env, const Napi::Value& value);

// A TypedArray's elements where they lie, in an ArrayBuffer or a SharedArrayBuffer.
struct Elements {
  napi_typedarray_type type;
  size_t bytes;
  void* data;
};
// Nothing for a value that is no TypedArray.
std::optional<Elements> to_elements(const Napi::Value& value);
// The bytes behind a TypedArray. Throws unless it holds at least `bytes`.
void* to_data(const Napi::Value& value, size_t bytes, const std::string& what);

// Runs `body`; any C++ exception becomes a JavaScript Error.
template <typename Body>
auto guarded(const Napi::Env& env, Body body) -> decltype(body()) {
  try {
    return body();
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::exception& error) {
    throw js_error(env, error);
  }
}

}  // namespace octavo::binding
