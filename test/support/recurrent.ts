import { expect } from 'vitest';
import { exportModel, type GraphModule } from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';
import type { Tensor } from '../../lib/tensor/index.ts';

/** A recurrent network, its input and its first states, drawn from a seed as PyTorch draws them. */
export interface RecurrentCase {
  readonly seed: number;
  readonly cell: 'LSTM' | 'GRU' | 'RNN';
  readonly input: number;
  readonly hidden: number;
  readonly batch: number;
  readonly steps: number;
  readonly numLayers: number;
  readonly bidirectional: boolean;
  readonly bias: boolean;
  readonly batchFirst: boolean;
  readonly hasState: boolean;
  readonly nonlinearity?: 'relu';
  readonly projSize?: number;
  readonly isQuantized?: true;
}

const networks = { LSTM: nn.LSTM, GRU: nn.GRU, RNN: nn.RNN };

/** The network with the weights that PyTorch draws for it. */
export function networkOf(c: RecurrentCase): nn.LSTM | nn.GRU | nn.RNN {
  nn.manualSeed(c.seed);
  return new networks[c.cell](c.input, c.hidden, c).eval();
}

/** The input and first states that PyTorch draws next. */
export function inputsOf(c: RecurrentCase): Tensor[] {
  const draw = (...shape: number[]) => nn.init.uniform(shape, -1, 1);
  const x = draw(...(c.batchFirst ? [c.batch, c.steps] : [c.steps, c.batch]), c.input);
  if (!c.hasState) return [x];
  const count = c.numLayers * (c.bidirectional ? 2 : 1);
  const sizes = [c.projSize ?? c.hidden, ...(c.cell === 'LSTM' ? [c.hidden] : [])];
  return [x, ...sizes.map((size) => draw(count, c.batch, size))];
}

/** Calls a module of any kind. */
export const call = (module: nn.Module, inputs: readonly nn.Value[]) =>
  (module as { call(...values: readonly nn.Value[]): nn.Value | readonly nn.Value[] }).call(...inputs);
/** Captures a module whose inputs are `x0`, `x1`, ... */
export const exported = (module: nn.Module, inputs: readonly Tensor[]): GraphModule =>
  exportModel(module, Object.fromEntries(inputs.map((tensor, i) => [`x${i}`, tensor])));
/** The inputs by those names. */
export const named = (inputs: readonly Tensor[]) =>
  Object.fromEntries(inputs.map((tensor, i) => [`x${i}`, tensor]));

/** Of the elements of two tensors of one shape. */
export function largestDifference(actual: Tensor, expected: Tensor): number {
  expect(actual.shape).toEqual(expected.shape);
  return actual.toArray().reduce<number>((most, value, i) => {
    return Math.max(most, Math.abs(Number(value) - Number(expected.data[i])));
  }, 0);
}
