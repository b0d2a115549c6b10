// A step's attributes: plain values copied out of JavaScript before any worker sees them. Copies share them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "tensor/tensor_desc.h"

namespace octavo {

class Attributes {
 public:
  using List = std::vector<Attributes>;
  using Value = std::variant<double, bool, std::string, std::vector<double>, List>;

  using Values = std::map<std::string, Value>;

  Attributes() : Attributes(Values()) {}
  explicit Attributes(Values values) : values_(std::make_shared<const Values>(std::move(values))) {}

  // Of this copy alone.
  void set(const std::string& name, Value value);
  bool has(const std::string& name) const;

  // Each throws std::invalid_argument that names the attribute when it is missing or of another type.
  double number(const std::string& name) const;
  int64_t integer(const std::string& name) const;
  bool boolean(const std::string& name) const;
  const std::string& text(const std::string& name) const;
  const std::vector<double>& numbers(const std::string& name) const;
  Dims dims(const std::string& name) const;
  std::vector<float> floats(const std::string& name) const;
  const List& list(const std::string& name) const;

  // The same with a value for when the attribute is absent.
  double number(const std::string& name, double otherwise) const;
  int64_t integer(const std::string& name, int64_t otherwise) const;
  bool boolean(const std::string& name, bool otherwise) const;
  std::string text(const std::string& name, const std::string& otherwise) const;

 private:
  template <typename T>
  const T& get(const std::string& name, const char* expected) const;

  std::shared_ptr<const Values> values_;
};

}  // namespace octavo
