import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { loadNpz } from '../../lib/index.ts';
import type * as nn from '../../lib/nn/index.ts';
import type { Tensor } from '../../lib/tensor/index.ts';

/** What script/goldens/eager.py wrote of one network. */
export interface Golden {
  readonly arrays: ReadonlyMap<string, Tensor>;
  readonly calibration: readonly Tensor[];
  readonly input: Tensor;
  readonly floats: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  /** Modules that were swapped, by path. */
  readonly modules: Readonly<
    Record<string, { readonly type: string; readonly scale?: number; readonly zero_point?: number }>
  >;
}

export async function goldenOf(name: string): Promise<Golden> {
  const file = (end: string) => new URL(`../fixtures/eager/${name}.${end}`, import.meta.url);
  const arrays = await loadNpz(file('npz').pathname);
  const all = (prefix: string) =>
    [...arrays].filter(([key]) => key.startsWith(`${prefix}.`)).map(([, tensor]) => tensor);
  return {
    arrays,
    calibration: all('calibration'),
    input: arrays.get('input')!,
    floats: all('float'),
    outputs: all('output'),
    modules: JSON.parse(readFileSync(file('json'), 'utf8')),
  };
}

/** The module with PyTorch's state, in evaluation mode. */
export function withState<M extends nn.Module>(module: M, { arrays }: Golden): M {
  const state = [...arrays]
    .filter(([key]) => key.startsWith('state.'))
    .map(([key, tensor]) => [key.slice('state.'.length), tensor] as const);
  module.loadStateDict(new Map(state));
  return module.eval();
}

export const asList = (result: nn.Value | readonly nn.Value[]) =>
  (Array.isArray(result) ? result : [result]) as readonly Tensor[];

export const numbers = (tensor: Tensor) => tensor.toArray() as number[];

export function largestDifference(a: Tensor, b: Tensor): number {
  expect(a.shape).toEqual(b.shape);
  const other = numbers(b);
  return numbers(a).reduce((most, value, i) => Math.max(most, Math.abs(value - other[i])), 0);
}
