#include "contract/failure.h"

#include <new>

#include "onednn/memory_failure.h"

namespace octavo {

Cause cause_of(const std::exception& error) {
  if (const auto* failure = dynamic_cast<const Failure*>(&error)) return failure->cause();
  const bool is_memory = dynamic_cast<const std::bad_alloc*>(&error) ||
                         dynamic_cast<const std::length_error*>(&error) || onednn::is_memory_failure(error);
  return is_memory ? Cause::memory : Cause::unknown;
}

Cause cause_in_run(const std::exception& error) {
  const auto cause = cause_of(error);
  if (cause != Cause::unknown) return cause;
  const bool is_value = dynamic_cast<const std::out_of_range*>(&error) ||
                        dynamic_cast<const std::domain_error*>(&error) ||
                        dynamic_cast<const std::invalid_argument*>(&error);
  return is_value ? Cause::input : Cause::unknown;
}

std::string error_message(const std::exception& error) {
  const bool has_words = dynamic_cast<const Failure*>(&error);
  // Their own words are those of the language, or of oneDNN.
  if (!has_words && cause_of(error) == Cause::memory)
    return "there is not enough memory for tensors of this size";
  return error.what();
}

}  // namespace octavo
