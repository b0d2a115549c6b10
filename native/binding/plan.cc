#include "binding/plan.h"

#include <stdexcept>
#include <utility>

#include "binding/constant.h"
#include "binding/convert.h"

namespace octavo::binding {

namespace {
constexpr napi_type_tag kPlanTag = {0x6f637461766f0002, 0x706c616e00000000};
using PlanHandle = std::shared_ptr<CompiledPlan>;

Napi::Object to_object(const Napi::Value& value, const std::string& what) {
  if (!value.IsObject()) throw std::invalid_argument(what + " must be an object");
  return value.As<Napi::Object>();
}

Napi::Array to_array(const Napi::Value& value, const std::string& what) {
  if (!value.IsArray()) throw std::invalid_argument(what + " must be an array");
  return value.As<Napi::Array>();
}

std::string to_text(const Napi::Value& value, const std::string& what) {
  if (!value.IsString()) throw std::invalid_argument(what + " must be a string");
  return value.As<Napi::String>().Utf8Value();
}

std::vector<TensorDesc> to_tensor_descs(const Napi::Value& value, const char* what) {
  const auto array = to_array(value, what);
  std::vector<TensorDesc> descs;
  for (uint32_t i = 0; i < array.Length(); i++) descs.push_back(to_tensor_desc(array.Get(i), what));
  return descs;
}

std::vector<size_t> to_indices(const Napi::Value& value, const std::string& what) {
  const auto array = to_array(value, what);
  std::vector<size_t> indices;
  for (uint32_t i = 0; i < array.Length(); i++) indices.push_back(to_size(array.Get(i), what));
  return indices;
}

PlanValue to_plan_value(const Napi::Value& value, const std::string& what) {
  PlanValue result;
  result.desc = to_tensor_desc(value, what.c_str());
  const auto storage = to_object(to_object(value, what).Get("storage"), what + ": storage");
  const std::string kind = to_text(storage.Get("kind"), what + ": storage kind");
  const auto offset = storage.Get("offset");
  if (!offset.IsUndefined()) result.storage.offset = to_size(offset, what + ": offset");
  if (kind == "constant") {
    result.storage.kind = Storage::Kind::constant;
    result.constant = to_constant(storage.Get("constant"));
    if (!result.constant) throw std::invalid_argument(what + ": constant is not one made by createConstant");
  } else if (kind == "arena") {
    result.storage.kind = Storage::Kind::arena;
  } else if (kind == "input" || kind == "output") {
    result.storage.kind = kind == "input" ? Storage::Kind::input : Storage::Kind::output;
    result.storage.index = to_size(storage.Get("index"), what + ": index");
  } else {
    throw std::invalid_argument(what + ": unknown storage kind '" + kind + "'");
  }
  return result;
}

PlanStep to_plan_step(const Napi::Value& value, const std::string& what) {
  const auto object = to_object(value, what);
  PlanStep step;
  step.spec.op = to_text(object.Get("op"), what + ": op");
  step.spec.node = to_text(object.Get("node"), what + ": node");
  const std::string name = step.spec.op + " '" + step.spec.node + "'";
  step.spec.attributes = to_shared_attributes(object.Env(), object.Get("attributes"));
  step.inputs = to_indices(object.Get("inputs"), name + ": inputs");
  step.outputs = to_indices(object.Get("outputs"), name + ": outputs");
  return step;
}

Napi::Array to_js(Napi::Env env, const onednn::Rejections& rejections) {
  auto array = Napi::Array::New(env);
  for (const auto& [implementation, reason] : rejections) {
    auto rejection = Napi::Object::New(env);
    rejection.Set("implementation", implementation);
    rejection.Set("reason", reason);
    array.Set(array.Length(), rejection);
  }
  return array;
}
}  // namespace

std::shared_ptr<const Plan> to_plan(const Napi::Value& value, size_t max_threads) {
  const auto object = to_object(value, "plan");
  auto plan = std::make_shared<Plan>();
  plan->inputs = to_tensor_descs(object.Get("inputs"), "plan inputs");
  plan->outputs = to_tensor_descs(object.Get("outputs"), "plan outputs");
  plan->arena_bytes = to_size(object.Get("arenaBytes"), "plan arenaBytes");
  plan->threads = to_size(object.Get("threads"), "plan threads");
  plan->lanes = to_size(object.Get("lanes"), "plan lanes");
  for (const auto& [name, count] : {std::pair("threads", plan->threads), std::pair("lanes", plan->lanes)})
    if (count < 1 || count > max_threads)
      throw std::invalid_argument(std::string("plan ") + name + " must be from 1 to " +
                                  std::to_string(max_threads) + ", the executor's threadsPerStream");
  const auto values = to_array(object.Get("values"), "plan values");
  for (uint32_t i = 0; i < values.Length(); i++)
    plan->values.push_back(to_plan_value(values.Get(i), "value " + std::to_string(i)));
  const auto steps = to_array(object.Get("steps"), "plan steps");
  for (uint32_t i = 0; i < steps.Length(); i++)
    plan->steps.push_back(to_plan_step(steps.Get(i), "step " + std::to_string(i)));
  plan->finish();
  return plan;
}

namespace {
PlanHandle* handle_of(const Napi::Value& value) {
  if (!value.IsObject()) return nullptr;
  const auto object = value.As<Napi::Object>();
  if (!object.CheckTypeTag(&kPlanTag)) return nullptr;
  return object.Get("handle").As<Napi::External<PlanHandle>>().Data();
}

// Described when somebody asks: every new plan is wrapped, and few are looked at.
Napi::Value steps_of(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto plan = unwrap_plan(info.This());
  if (!plan) throw Napi::TypeError::New(env, "steps: this is no plan, or was released");
  const auto& instance = plan->by_stream.at(0)->instance();
  const auto& steps = plan->plan->steps;
  auto described = Napi::Array::New(env, steps.size());
  for (size_t i = 0; i < steps.size(); i++) {
    auto step = Napi::Object::New(env);
    step.Set("node", steps[i].spec.node);
    step.Set("op", steps[i].spec.op);
    step.Set("implementation", instance.step(i).implementation());
    step.Set("rejections", to_js(env, instance.step(i).rejections()));
    step.Set("scratchpadBytes", static_cast<double>(instance.step(i).scratchpad_bytes()));
    described.Set(static_cast<uint32_t>(i), step);
  }
  return described;
}
}  // namespace

Napi::Object wrap_plan(Napi::Env env, std::shared_ptr<CompiledPlan> plan) {
  auto object = Napi::Object::New(env);
  object.TypeTag(&kPlanTag);
  object.DefineProperty(Napi::PropertyDescriptor::Accessor<steps_of>("steps", napi_enumerable));
  object.Set("handle", Napi::External<PlanHandle>::New(env, new PlanHandle(std::move(plan)),
                                                       [](Napi::Env, PlanHandle* handle) { delete handle; }));
  object.Freeze();
  return object;
}

std::shared_ptr<CompiledPlan> unwrap_plan(const Napi::Value& value) {
  const auto* handle = handle_of(value);
  return handle ? *handle : nullptr;
}

void release_plan(const Napi::CallbackInfo& info) {
  if (auto* handle = handle_of(info[0])) handle->reset();
}

}  // namespace octavo::binding
