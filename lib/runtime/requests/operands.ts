import { outOfMemoryError } from '../../error-code.ts';
import type { Node } from '../../graph/index.ts';
import type { Stage } from '../../plan/index.ts';
import { Tensor, type TensorData } from '../../tensor/index.ts';
import type { Shapes } from '../planner.ts';
import type { RequestPlan } from '../stage-plans.ts';

export const shapesOf = (tensors: readonly Tensor[]): Shapes => tensors.map(({ shape }) => shape);

export const dataOf = (tensors: readonly Tensor[]) => tensors.map(({ data }) => data);

export const allocateOutputs = ({ results }: RequestPlan): Tensor[] =>
  results.map(({ dtype, shape }) => {
    try {
      return Tensor.zeros(dtype, shape);
    } catch (error) {
      throw outOfMemoryError(`run: there is not enough memory for a result ${dtype}[${shape.join(', ')}]`, {
        cause: error,
      });
    }
  });

/** What the operands of a stage's plan are called. */
export function namesOf({ module: { graph }, counted }: Stage): {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
} {
  const results = graph.outputNode.args[0] as readonly Node[];
  return {
    inputs: graph.placeholders.map(({ name }) => name),
    outputs: results.flatMap(({ name }, i) => (counted[i] ? [name, `the number of ${name}`] : [name])),
  };
}

/** Of tensors of one dtype and shape. */
export function copyElements({ data }: Tensor, from: Tensor): void {
  if (data instanceof BigInt64Array) data.set(from.data as BigInt64Array);
  else data.set(from.data as Exclude<TensorData, BigInt64Array>);
}
