import { type CallableModule, GraphModule, isStateful, type StatefulModule } from '../graph/index.ts';

/**
 * A copy of a graph module that can be run without changing it: in its copy observers let tensors through, and fake quantizers round
 * them by the range they have.
 */
export function unobserved(module: GraphModule, where: string): GraphModule {
  const copy = GraphModule.accept(module, where).clone();
  for (const [name, each] of copy.modules) copy.modules.set(name, withoutChange(each));
  return copy;
}

const passesOn: CallableModule = { forward: (input) => input };

const withoutChange = (module: CallableModule): CallableModule =>
  isStateful(module) ? { forward: (input) => restoring(module, () => module.forward(input)) } : passesOn;

function restoring<T>(module: StatefulModule, call: () => T): T {
  const before = [...module.state];
  try {
    return call();
  } finally {
    for (const [name, value] of before) module.setState(name, value);
  }
}
