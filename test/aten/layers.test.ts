import { describe, it } from 'vitest';
import { type Argument, GET_ITEM, type Node } from '../../lib/graph/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { type Case, describeCase, expectClose, readCases } from '../support/aten-goldens.ts';
import { runDecomposed } from '../support/decomposed.ts';

/**
 * Runs a case as the graph that a .pt2 file of it would be read as, in the interpreter and in a plan. Tensors are inputs or
 * constants by turns: `constants` says whether weights are.
 */
function run({ op, args, kwargs, expected }: Case, constants: boolean): readonly Tensor[] {
  const inputs: Tensor[] = [];
  const take = (tensor: Tensor): number => inputs.push(tensor) - 1;
  type Slot = { readonly at: number } | { readonly constant: Tensor };
  const slotOf = (value: unknown, isFirst: boolean): unknown => {
    if (Array.isArray(value)) return value.map((item) => slotOf(item, isFirst));
    if (!(value instanceof Tensor)) return value;
    return isFirst || !constants ? { at: take(value) } : { constant: value };
  };
  const slots = args.map((arg, i) => slotOf(arg, i === 0 || (Array.isArray(arg) && op.includes('einsum'))));
  const named = Object.fromEntries(
    Object.entries(kwargs).map(([name, value]) => [name, slotOf(value, false)]),
  );
  return runDecomposed(inputs, (b, ...nodes) => {
    let count = 0;
    const filled = (slot: unknown): Argument => {
      if (Array.isArray(slot)) return slot.map(filled);
      if (typeof slot !== 'object' || slot === null) return slot as Argument;
      const given = slot as Slot;
      return 'at' in given ? nodes[given.at] : b.constant(`w${count++}`, given.constant);
    };
    const namedNodes = Object.fromEntries(Object.entries(named).map(([name, slot]) => [name, filled(slot)]));
    const call = b.graph.callFunction(op, slots.map(filled), namedNodes);
    if (!Array.isArray(expected))
      return [isOneOfSeveral(op) ? b.graph.callFunction(GET_ITEM, [call, 0]) : call];
    return expected.map((_, i): Node => b.graph.callFunction(GET_ITEM, [call, i]));
  });
}

/** Kernels of which only the first result is of use. */
const isOneOfSeveral = (op: string): boolean => /native_|legit|_scaled_dot_product_|embedding_bag/.test(op);

const cases = readCases('layers');

describe('layers and products as PyTorch computes them', () => {
  it.each([...new Set(cases.map(({ op }) => op))])('%s', (op) => {
    for (const item of cases.filter((other) => other.op === op))
      for (const constants of [true, false])
        try {
          const results = run(item, constants);
          const { expected } = item;
          // Sums of up to 500 products of numbers of size 1 to 3, added in another order; a recurrent network's states are
          // computed from each other up to twenty times.
          const tolerance = { absolute: 3e-5, relative: 3e-5 };
          expectClose(Array.isArray(expected) ? results : results[0], expected, tolerance);
        } catch (error) {
          throw new Error(`${describeCase(item)}: ${(error as Error).message}`, { cause: error });
        }
  });
});
