// Which of the implementations that oneDNN has for a problem is to compute it.
#pragma once

#include <set>
#include <string>

#include "onednn/implementation.h"

namespace octavo::onednn {

class KernelChoice {
 public:
  // A name as implementation() gives it, of which one part joined by '+' must agree; or "#1" for the second
  // kernel that is offered, "#2" for the third, up to "#9", without reference kernels and those that are
  // offered for several instruction sets counted once; or "", which takes the first.
  explicit KernelChoice(const std::string& wanted);

  // Whether this one, offered after those before, is it.
  bool takes(const Implementation& implementation);

 private:
  std::string wanted_;
  int rank_ = -1;               // -1 without one
  std::set<std::string> seen_;  // kernels, without the instruction set
};

}  // namespace octavo::onednn
