// What the addon keeps for one JavaScript environment (the main thread, or one worker thread). There is no
// other state outside objects: environments never see each other.
#pragma once

#include <napi.h>

#include <memory>
#include <set>

namespace octavo {
class Executor;
}

namespace octavo::binding {

class Environment {
 public:
  // Makes the environment's instance data and stops its executors when the process exits.
  static void install(Napi::Env env);
  static std::shared_ptr<Environment> of(Napi::Env env);

  // Executors that must not run any more when the process destroys its libraries.
  void add(Executor* executor) { executors_.insert(executor); }
  void remove(Executor* executor) { executors_.erase(executor); }

 private:
  void stop_all();

  std::set<Executor*> executors_;
};

}  // namespace octavo::binding
