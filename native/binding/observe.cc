#include "binding/observe.h"

#include <cmath>
#include <stdexcept>
#include <string>

#include "binding/convert.h"
#include "observe/histogram.h"
#include "observe/min_max.h"
#include "observe/range_search.h"

namespace octavo::binding {

namespace {
Napi::Float32Array to_floats(const Napi::Value& value, const char* what) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_float32_array)
    throw std::invalid_argument(std::string(what) + " must be a Float32Array");
  return value.As<Napi::Float32Array>();
}

double to_number(const Napi::Value& value, const char* what) {
  if (!value.IsNumber()) throw std::invalid_argument(std::string(what) + " must be a number");
  return value.As<Napi::Number>().DoubleValue();
}

observe::Range to_range(const Napi::Value& min, const Napi::Value& max, const char* what) {
  const observe::Range range = {static_cast<float>(to_number(min, what)),
                                static_cast<float>(to_number(max, what))};
  if (!std::isfinite(range.min) || !std::isfinite(range.max) || range.min > range.max)
    throw std::invalid_argument(std::string(what) + " must be finite and in order, got " +
                                std::to_string(range.min) + " to " + std::to_string(range.max));
  return range;
}

Napi::Value min_max(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const auto data = to_floats(info[0], "minMax: data");
    auto minima = to_floats(info[3], "minMax: minima"), maxima = to_floats(info[4], "minMax: maxima");
    const size_t channels = minima.ElementLength();
    const size_t outer = to_size(info[1], "minMax: outer"), inner = to_size(info[2], "minMax: inner");
    if (maxima.ElementLength() != channels || outer * channels * inner != data.ElementLength())
      throw std::invalid_argument("minMax: sizes do not fit the data");
    const bool has_nan =
        observe::min_max({data.Data(), outer, channels, inner}, minima.Data(), maxima.Data());
    return Napi::Boolean::New(info.Env(), has_nan);
  });
}

Napi::Value histogram(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const auto data = to_floats(info[0], "histogram: data");
    const auto range = to_range(info[1], info[2], "histogram: the range");
    const size_t bins = to_size(info[3], "histogram: bins");
    if (bins == 0 || bins > (size_t{1} << 24) || range.min == range.max)
      throw std::invalid_argument("histogram: needs bins, at most 2^24, and a range that is not empty");
    auto counts = Napi::Float32Array::New(info.Env(), bins);
    observe::histogram(data.Data(), data.ElementLength(), range, bins, counts.Data());
    return counts;
  });
}

Napi::Value rescale_histogram(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const auto counts = to_floats(info[0], "rescaleHistogram: counts");
    const auto from = to_range(info[1], info[2], "rescaleHistogram: the old range");
    const auto to = to_range(info[3], info[4], "rescaleHistogram: the new range");
    auto sums = to_floats(info[5], "rescaleHistogram: sums");
    if (sums.ElementLength() != counts.ElementLength())
      throw std::invalid_argument("rescaleHistogram: both histograms need the same number of bins");
    observe::rescale_histogram(counts.Data(), counts.ElementLength(), from, to, sums.Data());
    return info.Env().Undefined();
  });
}

Napi::Value search_histogram(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const auto counts = to_floats(info[0], "searchHistogram: counts");
    const auto range = to_range(info[1], info[2], "searchHistogram: the range");
    const size_t levels = to_size(info[3], "searchHistogram: levels");
    if (counts.ElementLength() == 0 || levels == 0)
      throw std::invalid_argument("searchHistogram: needs bins and levels");
    const auto found = observe::search_range(counts.Data(), counts.ElementLength(), range, levels);
    auto result = Napi::Object::New(info.Env());
    result.Set("first", static_cast<double>(found.first));
    result.Set("last", static_cast<double>(found.last));
    return result;
  });
}
}  // namespace

Napi::Object make_observe(Napi::Env env) {
  auto observe = Napi::Object::New(env);
  observe.Set("minMax", Napi::Function::New(env, min_max));
  observe.Set("histogram", Napi::Function::New(env, histogram));
  observe.Set("rescaleHistogram", Napi::Function::New(env, rescale_histogram));
  observe.Set("searchHistogram", Napi::Function::New(env, search_histogram));
  observe.Freeze();
  return observe;
}

}  // namespace octavo::binding
