#include "onednn/kernel_choice.h"

namespace octavo::onednn {

KernelChoice::KernelChoice(const std::string& wanted) : wanted_("+" + wanted + "+") {
  if (wanted.size() == 2 && wanted[0] == '#' && wanted[1] >= '1' && wanted[1] <= '9') rank_ = wanted[1] - '0';
  if (wanted.empty()) wanted_.clear();
}

bool KernelChoice::takes(const Implementation& implementation) {
  if (wanted_.empty()) return true;
  const std::string& name = implementation.name;
  if (rank_ < 0) return wanted_.find("+" + name + "+") != std::string::npos;
  if (implementation.is_reference) return false;
  const bool is_new = seen_.insert(name.substr(0, name.rfind(':'))).second;
  return is_new && static_cast<int>(seen_.size()) == rank_ + 1;
}

}  // namespace octavo::onednn
