import { expect } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { type GraphModule, Interpreter } from '../../lib/graph/index.ts';
import { type Pass, PassContext } from '../../lib/lowering/pass.ts';
import type { LoweringReport } from '../../lib/lowering/report.ts';
import type { Tensor } from '../../lib/tensor/index.ts';

/** Applies one pass to a copy of a graph. */
export function runPass(
  pass: Pass,
  module: GraphModule,
): { readonly module: GraphModule; readonly count: number; readonly report: LoweringReport } {
  const copy = module.clone();
  const context = new PassContext(copy);
  const count = context.apply(pass);
  copy.graph.lint();
  return { module: copy, count, report: context.report() };
}

/** The operators a graph calls, in order. */
export function calls(module: GraphModule): string[] {
  return module.graph.nodes.filter((node) => node.op === 'call_function').map((node) => node.target);
}

/** Runs a graph with the interpreter. */
export function interpret(module: GraphModule, ...inputs: readonly Tensor[]): Tensor[] {
  return new Interpreter(module, operators).run(inputs);
}

/** The greatest difference between two tensors of the same dtype and shape. */
export function greatestDifference(a: Tensor, b: Tensor): number {
  expect([b.dtype, b.shape]).toEqual([a.dtype, a.shape]);
  const other = b.toArray();
  return a.toArray().reduce((most, value, i) => Math.max(most, Math.abs(value - other[i])), 0);
}
