#include "contract/attributes.h"

#include <cmath>
#include <stdexcept>

namespace octavo {

void Attributes::set(const std::string& name, Value value) {
  Values changed = *values_;
  changed[name] = std::move(value);
  values_ = std::make_shared<const Values>(std::move(changed));
}

bool Attributes::has(const std::string& name) const { return values_->count(name) > 0; }

template <typename T>
const T& Attributes::get(const std::string& name, const char* expected) const {
  const auto found = values_->find(name);
  if (found == values_->end())
    throw std::invalid_argument("attribute '" + name + "' is missing (" + expected + " expected)");
  const T* value = std::get_if<T>(&found->second);
  if (!value) throw std::invalid_argument("attribute '" + name + "' must be " + expected);
  return *value;
}

double Attributes::number(const std::string& name) const { return get<double>(name, "a number"); }

int64_t Attributes::integer(const std::string& name) const {
  const double value = number(name);
  if (!(std::abs(value) <= 9007199254740992.0) || value != std::floor(value))
    throw std::invalid_argument("attribute '" + name + "' must be an integer");
  return static_cast<int64_t>(value);
}

bool Attributes::boolean(const std::string& name) const { return get<bool>(name, "true or false"); }

const std::string& Attributes::text(const std::string& name) const {
  return get<std::string>(name, "a string");
}

const std::vector<double>& Attributes::numbers(const std::string& name) const {
  return get<std::vector<double>>(name, "a list of numbers");
}

Dims Attributes::dims(const std::string& name) const {
  const auto& values = numbers(name);
  return Dims(values.begin(), values.end());
}

std::vector<float> Attributes::floats(const std::string& name) const {
  const auto& values = numbers(name);
  return std::vector<float>(values.begin(), values.end());
}

const Attributes::List& Attributes::list(const std::string& name) const {
  return get<List>(name, "a list of records");
}

double Attributes::number(const std::string& name, double otherwise) const {
  return has(name) ? number(name) : otherwise;
}

int64_t Attributes::integer(const std::string& name, int64_t otherwise) const {
  return has(name) ? integer(name) : otherwise;
}

bool Attributes::boolean(const std::string& name, bool otherwise) const {
  return has(name) ? boolean(name) : otherwise;
}

std::string Attributes::text(const std::string& name, const std::string& otherwise) const {
  return has(name) ? text(name) : otherwise;
}

}  // namespace octavo
