#include "binding/cpu.h"

#include "binding/convert.h"
#include "cpu/affinity.h"
#include "cpu/cpuid.h"
#include "cpu/tile_permission.h"

namespace octavo::binding {

Napi::Value raw_cpu(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  auto leaves = Napi::Array::New(env);
  for (const auto& leaf : cpu::read_cpuid()) {
    auto row = Napi::Array::New(env, 6);
    uint32_t column = 0;
    for (const uint32_t value : {leaf.leaf, leaf.subleaf, leaf.eax, leaf.ebx, leaf.ecx, leaf.edx}) {
      row.Set(column++, value);
    }
    leaves.Set(leaves.Length(), row);
  }
  auto result = Napi::Object::New(env);
  result.Set("cpuid", leaves);
  // The bits in use end far below 2^53.
  result.Set("xcr0", static_cast<double>(cpu::read_xcr0()));
  result.Set("permittedStates", static_cast<double>(cpu::permitted_states()));
  return result;
}

void bind_thread(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] {
    if (!info[0].IsArray()) throw std::invalid_argument("bindThread: the CPUs must be an array");
    const auto numbers = info[0].As<Napi::Array>();
    std::vector<size_t> cpus(numbers.Length());
    for (uint32_t i = 0; i < numbers.Length(); ++i) cpus[i] = to_size(numbers.Get(i), "bindThread: a CPU");
    cpu::bind_thread(cpus);
  });
}

}  // namespace octavo::binding
