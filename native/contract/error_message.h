// What an Error says of a C++ exception.
#pragma once

#include <exception>
#include <new>
#include <stdexcept>
#include <string>

namespace octavo {

inline std::string error_message(const std::exception& error) {
  // Their own words are those of the language.
  if (dynamic_cast<const std::bad_alloc*>(&error) || dynamic_cast<const std::length_error*>(&error))
    return "there is not enough memory for tensors of this size";
  return error.what();
}

}  // namespace octavo
