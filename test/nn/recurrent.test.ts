import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadNpz } from '../../lib/formats/npz.ts';
import { compile, lower, quantizeDynamic } from '../../lib/index.ts';
import type { Tensor } from '../../lib/tensor/index.ts';
import {
  call,
  exported,
  inputsOf,
  largestDifference,
  named,
  networkOf,
  type RecurrentCase,
} from '../support/recurrent.ts';

/** script/goldens/recurrent.py computed them with PyTorch 2.6. */
const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/nn/${name}`, import.meta.url));
const cases = JSON.parse(readFileSync(fixture('recurrent.json'), 'utf8')) as readonly RecurrentCase[];
const results = await loadNpz(fixture('recurrent.npz'));
const expectedOf = (index: number) => [0, 1, 2].flatMap((i) => results.get(`${index}.${i}`) ?? []);

/**
 * Sums of up to 130 products in another order than PyTorch's differ by some 2^-24 of the sum, and sigmoid and tanh by some
 * 2^-23 of their values; the weights' bound of 1 / sqrt(hidden) keeps steps from multiplying that by more than about 2.
 */
const tolerance = 1e-5;

const nameOf = ({ cell, hidden, seed, ...rest }: RecurrentCase) =>
  `${cell} of ${hidden} (seed ${seed}): ${Object.entries(rest)
    .map(([key, value]) => `${key} ${value}`)
    .join(', ')}`;
const listed = cases.map((c, index) => [nameOf(c), c, index] as const);

describe("recurrent networks give PyTorch's numbers", () => {
  it.each(listed.filter(([, c]) => !c.isQuantized))('%s', (_, c, index) => {
    const network = networkOf(c);
    const inputs = inputsOf(c);
    using model = compile(lower(exported(network, inputs)).module);
    const outcomes = [
      call(network, inputs) as readonly Tensor[],
      Object.values(model.runSync(named(inputs))),
    ];
    for (const outcome of outcomes) {
      expect(outcome.length).toBe(expectedOf(index).length);
      for (const [i, expected] of expectedOf(index).entries())
        expect(largestDifference(outcome[i], expected)).toBeLessThan(tolerance);
    }
  });
});

/** Of the signal over the difference. */
function decibels(signal: Tensor, other: Tensor): number {
  const [power, noise] = signal
    .toArray()
    .reduce<[number, number]>(
      ([sum, error], value, i) => [
        sum + Number(value) ** 2,
        error + (Number(value) - Number(other.data[i])) ** 2,
      ],
      [0, 0],
    );
  return 10 * Math.log10(power / noise);
}

describe("dynamically quantized networks give PyTorch's numbers", () => {
  it.each(listed.filter(([, c]) => c.isQuantized))('%s', async (_, c, index) => {
    const network = networkOf(c);
    const inputs = inputsOf(c);
    using model = await quantizeDynamic(exported(network, inputs), { strict: true });
    const [states] = Object.values(model.runSync(named(inputs)));
    expect(model.plan(inputs[0].shape).steps.map(({ implementation }) => implementation)).toContainEqual(
      expect.stringMatching(/^octavo:integer_recurrence/),
    );
    const float = results.get(`${index}.float`)!;
    const [quantized] = expectedOf(index);
    // Integer sums are exact in both. What is rounded otherwise in float32 moves a state to the next of 128 steps, seldom: the
    // same noise, and nearly the same numbers. Here it happened nowhere: 134 dB and more.
    expect(Math.abs(decibels(float, states) - decibels(float, quantized))).toBeLessThan(0.5);
    expect(decibels(quantized, states)).toBeGreaterThan(60);
  });
});
