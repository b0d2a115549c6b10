#include "onednn/rejections.h"

namespace octavo::onednn {

void Rejections::add(const std::string& implementation, const std::string& reason) {
  for (const auto& known : all_)
    if (known.implementation == implementation && known.reason == reason) return;
  all_.push_back({implementation, reason});
}

void Rejections::add(const Rejections& others) {
  for (const auto& [implementation, reason] : others) add(implementation, reason);
}

}  // namespace octavo::onednn
