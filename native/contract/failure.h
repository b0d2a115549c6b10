// What a JavaScript Error says of a C++ exception: a message, and whose fault it was.
#pragma once

#include <exception>
#include <stdexcept>
#include <string>

namespace octavo {

// Whose fault it was, as far as a caller can do something about it.
enum class Cause { unknown, input, memory, disposed };

// An exception that knows.
class Failure : public std::runtime_error {
 public:
  Failure(Cause cause, const std::string& message) : std::runtime_error(message), cause_(cause) {}
  Cause cause() const { return cause_; }

 private:
  const Cause cause_;
};

Cause cause_of(const std::exception& error);
// The same of a step that was made, and so was checked: what it refuses now is a value.
Cause cause_in_run(const std::exception& error);
std::string error_message(const std::exception& error);

}  // namespace octavo
