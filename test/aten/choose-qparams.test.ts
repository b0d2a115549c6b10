import { expect, it } from 'vitest';
import { Tensor } from '../../lib/tensor/index.ts';
import { random } from '../support/graph-builder.ts';
import { runStep } from '../support/steps.ts';

const next = random(5);
const [quantMin, quantMax, eps] = [0, 255, 2 ** -12];

function chosen(values: Float32Array): number[] {
  const step = { op: 'choose_qparams', attributes: { quantMin, quantMax, eps } };
  const outputs = [
    { dtype: 'float64', shape: [1] },
    { dtype: 'int64', shape: [1] },
  ] as const;
  const { results } = runStep(step, [new Tensor('float32', values, [values.length])], outputs);
  return results.map(({ data }) => Number(data[0]));
}

// Whole vectors and what is left behind them; one part that a thread takes, and several.
const lengths = [1, 31, 32, 33, 4095, 4096, 4097, 20_000];

it.each(lengths)('the extremes of %i elements count wherever they are', (length) => {
  for (let round = 0; round < 40; round++) {
    const values = Float32Array.from({ length }, () => next() - 0.5);
    const [lowest, highest] = [Math.floor(next() * length), Math.floor(next() * length)];
    values[lowest] = -2;
    values[highest] = 7;
    const low = Math.min(...values, 0);
    const scale = Math.fround(Math.fround(Math.max(...values, 0) - low) / (quantMax - quantMin));
    expect(chosen(values)).toEqual([scale, Math.round((0 - low) / scale)]);
  }
});

it.each(lengths)('one of %i elements that is not finite is refused wherever it is', (length) => {
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
    for (let round = 0; round < 40; round++) {
      const values = Float32Array.from({ length }, () => next() - 0.5);
      values[round === 0 ? length - 1 : Math.floor(next() * length)] = value;
      expect(() => chosen(values)).toThrow(/holds NaN or infinity/);
    }
});
