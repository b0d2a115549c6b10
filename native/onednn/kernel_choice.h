// Chooses among the implementations that oneDNN has for a problem.
#pragma once

#include <set>
#include <string>

#include "onednn/implementation.h"

namespace octavo::onednn {

class KernelChoice {
 public:
  // A name as returned by implementation(); it matches if one of its parts joined by '+' matches. Or "#1"
  // for the second kernel that is offered, "#2" for the third, up to "#9"; reference kernels do not count,
  // and a kernel offered for several instruction sets counts once. Or "", which chooses the first.
  explicit KernelChoice(const std::string& wanted);

  // Whether this implementation, offered after those of earlier calls, is the chosen one.
  bool takes(const Implementation& implementation);

 private:
  std::string wanted_;
  int rank_ = -1;               // -1 without one
  std::set<std::string> seen_;  // kernels, without the instruction set
};

}  // namespace octavo::onednn
