import { expect } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { type Argument, Arguments, GET_ITEM, type Node, type RuntimeValue } from '../../lib/graph/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { GraphBuilder } from './graph-builder.ts';
import { build, execute } from './run-plan.ts';

/** How inputs of a plan are written in memory: as they are, or with their axes the other way around. */
type Order = 'as they are' | 'reversed';

const reversed = (rank: number) => [...Array(rank).keys()].reverse();

function transposed(tensor: Tensor): Tensor {
  const operator = operators.get('aten.permute.default');
  return operator.execute(
    Arguments.bind<Tensor>(operator.schema, [tensor, reversed(tensor.shape.length)]),
  ) as Tensor;
}

/** Computes one call in a plan whose inputs are the call's tensors. */
export function inPlan(
  target: string,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>> = {},
  order: Order = 'as they are',
): Tensor[] {
  const b = new GraphBuilder();
  const inputs: Tensor[] = [];
  const replace = (value: unknown): Argument => {
    if (Array.isArray(value)) return value.map(replace);
    if (!(value instanceof Tensor)) return value as Argument;
    const given = order === 'reversed' ? transposed(value) : value;
    inputs.push(given);
    const node = b.input(`x${inputs.length}`, given.shape, given.dtype);
    return order === 'reversed' ? b.call('aten.permute.default', node, reversed(given.shape.length)) : node;
  };
  const bound = args.map(replace);
  const named = Object.fromEntries(Object.entries(kwargs).map(([name, value]) => [name, replace(value)]));
  const result = b.graph.callFunction(target, bound, named);
  const count = countOf(target, args, kwargs);
  const outputs: readonly Node[] =
    count === undefined ? [result] : Array.from({ length: count }, (_, i) => b.call(GET_ITEM, result, i));
  return execute(build(b.finish(...outputs)), inputs);
}

/** How many tensors a call returns as a list; undefined if it returns one. */
function countOf(
  target: string,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
): number | undefined {
  const operator = operators.get(target);
  const meta = operator.infer(Arguments.bind(operator.schema, args, kwargs) as Arguments<Tensor>);
  return Array.isArray(meta) ? meta.length : undefined;
}

/**
 * The result of an operator called eagerly. Fails unless plans compute the same bits, from row-major inputs and from
 * inputs under other strides.
 * @param close compares floats whose sums other memory orders take in another order; exact without it.
 */
export function callEverywhere(
  target: string,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>> = {},
  close: (actual: Tensor, expected: Tensor) => void = expectSame,
): RuntimeValue {
  const operator = operators.get(target);
  const eager = operator.execute(Arguments.bind<Tensor>(operator.schema, args, kwargs));
  const results = [eager].flat() as Tensor[];
  for (const order of ['as they are', 'reversed'] as const) {
    const planned = inPlan(target, args, kwargs, order);
    expect(planned).toHaveLength(results.length);
    planned.forEach((tensor, i) => {
      close(tensor, results[i]);
    });
  }
  return eager;
}

function expectSame(actual: Tensor, expected: Tensor): void {
  expect([actual.dtype, ...actual.shape]).toEqual([expected.dtype, ...expected.shape]);
  expect(actual.data).toEqual(expected.data);
}
