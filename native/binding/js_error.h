// From C++ exceptions to JavaScript Errors, with a code where a caller can do something about it.
#pragma once

#include <napi.h>

#include "contract/failure.h"

namespace octavo::binding {

// The codes are those of lib/error-code.ts.
inline Napi::Error js_error(Napi::Env env, Cause cause, const std::string& message) {
  auto error = Napi::Error::New(env, message);
  const char* code = cause == Cause::input      ? "ERR_OCTAVO_INVALID_INPUT"
                     : cause == Cause::memory   ? "ERR_OCTAVO_OUT_OF_MEMORY"
                     : cause == Cause::disposed ? "ERR_OCTAVO_DISPOSED"
                                                : nullptr;
  if (code) error.Set("code", code);
  return error;
}

inline Napi::Error js_error(Napi::Env env, const std::exception& error) {
  return js_error(env, cause_of(error), error_message(error));
}

}  // namespace octavo::binding
