import { type CallableModule, GraphModule, isStateful, type StatefulModule } from '../graph/index.ts';
import type { Tensor } from '../tensor/index.ts';
import { fixedState } from './fixed-state.ts';

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
  isStateful(module) ? { forward: (input) => rounded(module, input) } : passesOn;

function rounded(module: StatefulModule, input: Tensor): Tensor {
  const fixed = fixedState(module, input.shape);
  const before = [...module.state];
  try {
    for (const [name, value] of fixed) module.setState(name, value);
    return module.forward(input);
  } finally {
    for (const [name, value] of before) module.setState(name, value);
  }
}
