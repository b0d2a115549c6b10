// The ways to compute a step, as a list in order of preference: the first that makes a step is taken, and the
// step says why those before it were not.
#pragma once

#include <optional>
#include <stdexcept>

#include "contract/step.h"

namespace octavo {

// Why a candidate does not compute something; nothing where it does.
using Refusal = std::optional<std::string>;

// What came of making a step: the step, or why there is none.
struct Attempt {
  std::unique_ptr<Step> step;
  std::string reason = "";
};

// `Call` is the step's description as it was read, with what its candidates share, and their `rejections`.
template <class Call>
struct Candidate {
  const char* name;
  // What can be told without making the step.
  Refusal (*refusal)(Call& call);
  Attempt (*make)(Call& call);
};

// The last candidate always makes a step, or throws.
template <class Call, size_t kCount>
std::unique_ptr<Step> create_preferred(const Candidate<Call> (&candidates)[kCount], Call& call) {
  for (const auto& [name, refusal, make] : candidates) {
    auto reason = refusal(call);
    if (!reason) {
      auto attempt = make(call);
      if (attempt.step) {
        attempt.step->add_rejections(std::move(call.rejections));
        return std::move(attempt.step);
      }
      reason = std::move(attempt.reason);
    }
    call.rejections.add(name, *reason);
  }
  throw std::logic_error("the last candidate made no step");
}

}  // namespace octavo
