// Which ways to compute a step were passed over, and why.
#pragma once

#include <string>
#include <vector>

namespace octavo::onednn {

struct Rejection {
  std::string implementation;  // oneDNN's name ("brgconv:avx512_core"), or that of a candidate for the step
  std::string reason;
};

// In the order of preference. What is said again, for another form of the same problem, is kept once.
class Rejections {
 public:
  void add(const std::string& implementation, const std::string& reason);
  void add(const Rejections& others);

  std::vector<Rejection>::const_iterator begin() const { return all_.begin(); }
  std::vector<Rejection>::const_iterator end() const { return all_.end(); }

 private:
  std::vector<Rejection> all_;
};

}  // namespace octavo::onednn
