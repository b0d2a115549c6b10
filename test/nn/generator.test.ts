import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as nn from '../../lib/nn/index.ts';

/** Printed by PyTorch 2.6: its numbers after `torch.manual_seed(42)`, and a model's weights after `manual_seed(7)`. */
const torch = JSON.parse(
  readFileSync(new URL('../fixtures/nn/torch_seeded.json', import.meta.url), 'utf8'),
) as {
  readonly [draw: string]: number[];
} & { readonly state: Readonly<Record<string, number[]>> };

// PyTorch computes logarithms and cosines with vector instructions that round differently: some units in the last place.
const expectClose = (actual: ArrayLike<number>, expected: readonly number[]) => {
  expect(actual.length).toBe(expected.length);
  for (const [i, value] of expected.entries()) expect(Math.abs(actual[i] - value)).toBeLessThan(2e-6);
};

describe('Generator', () => {
  it("draws PyTorch's numbers, long and short arrays alike", () => {
    const generator = new nn.Generator(42);
    const draw = (length: number, fill: (data: Float32Array) => void) => {
      const data = new Float32Array(length);
      fill(data);
      return data;
    };
    const uniform = draw(5, (data) => generator.fillUniform(data, -2, 3));
    expect([...uniform]).toEqual(torch.uniform.map(Math.fround));
    expectClose(
      draw(19, (data) => generator.fillNormal(data, 1, 0.5)),
      torch.normal19,
    );
    expectClose(
      draw(5, (data) => generator.fillNormal(data, 0, 2)),
      torch.normal5,
    );
    expect([...draw(3, (data) => generator.fillUniform(data, 0, 1))]).toEqual(torch.after.map(Math.fround));
  });

  it('refuses a seed that is no integer', () => {
    expect(() => new nn.Generator(0.5)).toThrow('0.5 is not an integer');
  });
});

describe('initial weights', () => {
  it("are PyTorch's for the same seed", () => {
    nn.manualSeed(7);
    const model = new nn.Sequential(
      new nn.Conv2d(4, 6, 3, { groups: 2 }),
      new nn.Linear(5, 3),
      new nn.Embedding(4, 5),
      new nn.Conv1d(2, 3, 2),
    );
    const state = model.stateDict();
    expect([...state.keys()]).toEqual(Object.keys(torch.state));
    for (const [name, expected] of Object.entries(torch.state))
      expectClose(state.get(name)!.toArray().slice(0, 4), expected);
  });
});
