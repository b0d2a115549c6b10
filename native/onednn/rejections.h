// The ways to compute a step that were passed over, with the reasons.
#pragma once

#include <string>
#include <vector>

namespace octavo::onednn {

struct Rejection {
  std::string implementation;  // oneDNN's name ("brgconv:avx512_core"), or a candidate's name
  std::string reason;
};

// In order of preference. A repeated rejection, for another form of the same problem, is kept once.
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
