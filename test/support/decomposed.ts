import { operators } from '../../lib/aten/index.ts';
import { decompose } from '../../lib/capture/decompositions/decompose.ts';
import { type GraphModule, Interpreter, type Node } from '../../lib/graph/index.ts';
import type { Tensor } from '../../lib/tensor/index.ts';
import { expectClose, valuesOf as numbersOf } from './aten-goldens.ts';
import { GraphBuilder } from './graph-builder.ts';
import { build, execute } from './run-plan.ts';

/** A graph of inputs of these shapes and dtypes, decomposed as a .pt2 file's is. */
export function decomposedGraph(
  inputs: readonly Tensor[],
  make: (b: GraphBuilder, ...inputs: readonly Node[]) => readonly Node[],
): GraphModule {
  const b = new GraphBuilder();
  const nodes = inputs.map(({ dtype, shape }, i) => b.input(`x${i}`, shape, dtype));
  const module = b.finish(...make(b, ...nodes));
  decompose(module);
  module.graph.lint();
  return module;
}

/**
 * The results of a decomposed graph, in the interpreter. A plan must compute the same, but for sums in another order: up to
 * 1e-5 of the largest value.
 */
export function runDecomposed(
  inputs: readonly Tensor[],
  make: (b: GraphBuilder, ...inputs: readonly Node[]) => readonly Node[],
): readonly Tensor[] {
  const module = decomposedGraph(inputs, make);
  const results = new Interpreter(module, operators).run(inputs);
  for (const [i, tensor] of execute(build(module), inputs).entries())
    try {
      const largest = Math.max(1, ...numbersOf(results[i]).filter(Number.isFinite).map(Math.abs));
      expectClose(tensor, results[i], { absolute: 1e-5 * largest, relative: 0 });
    } catch (error) {
      throw new Error(`result ${i} of the plan is not the interpreter's: ${(error as Error).message}`, {
        cause: error,
      });
    }
  return results;
}
