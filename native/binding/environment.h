// What the addon keeps for one JavaScript environment (the main thread, or one worker thread). Environments
// never see each other. What the process itself shares (docs/internals/threads.md) holds nothing of theirs
// but the memory of packed weights.
#pragma once

#include <napi.h>

#include <memory>
#include <set>

#include "plan/active_wait.h"

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

  // Parallel work on the JavaScript thread leaves that thread with OpenMP threads of its own. As long as the
  // process has more of them than CPUs, libgomp lets none wait actively at barriers, which slows plans of
  // short steps down (by 1.7 for a small network). So they are let go before plans run.
  void computed_here() { holds_threads_ = true; }
  void release_threads();

 private:
  void stop_all();

  std::set<Executor*> executors_;
  bool holds_threads_ = false;
  const BusyThreads event_loop_{1};
};

}  // namespace octavo::binding
