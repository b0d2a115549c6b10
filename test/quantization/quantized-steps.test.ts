import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { type Arguments, Interpreter, type Node, type OperatorLibrary } from '../../lib/graph/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { goldenJson, goldenTensor, quantizeModel } from '../support/pt2e-goldens.ts';

const QUANTIZE = 'quantized_decomposed.quantize_per_tensor.default';

/** What every quantize node of PyTorch's own converted tiny_cnn gave, for the first two evaluation images. */
function pytorchSteps(): Tensor[] {
  const bytes = new Uint8Array(
    readFileSync(new URL('../fixtures/pt2e/tiny_cnn/quantized_steps.bin', import.meta.url)),
  );
  return goldenJson<{ shape: number[]; offset: number }[]>('tiny_cnn/quantized_steps.json').map(
    ({ shape, offset }) => {
      const length = shape.reduce((a, b) => a * b, 1);
      return Tensor.fromBytes('uint8', bytes.subarray(offset, offset + length), shape);
    },
  );
}

interface Step {
  /** What is quantized, in units of a step: an integer and a half is a tie. */
  readonly scaled: number[];
  readonly quantized: number[];
}

/** Operators whose quantize nodes give PyTorch's integers, so that what follows computes on PyTorch's own values. */
function forcedLibrary(forced: readonly Tensor[], steps: Step[]): OperatorLibrary {
  const quantize = operators.get(QUANTIZE);
  const execute = (args: Arguments<Tensor>) => {
    const scale = args.number('scale');
    const zeroPoint = args.number('zero_point');
    const quantized = quantize.execute(args) as Tensor;
    const scaled = args
      .tensor('input')
      .toArray()
      .map((x) => x / scale + zeroPoint);
    steps.push({ scaled, quantized: quantized.toArray() });
    return forced[steps.length - 1];
  };
  return {
    has: (target) => operators.has(target),
    get: (target) =>
      target === QUANTIZE
        ? { schema: quantize.schema, infer: (args) => quantize.infer(args), execute }
        : operators.get(target),
  };
}

it('every quantize node of tiny_cnn gives PyTorch’s integers, but for ties', async () => {
  const { converted } = await quantizeModel('tiny_cnn');
  const forced = pytorchSteps();
  const steps: Step[] = [];
  const input = goldenTensor('tiny_cnn/eval_in');
  const two = new Tensor('float32', input.data.subarray(0, input.numel / 4), [2, 3, 32, 32]);
  new Interpreter(converted, forcedLibrary(forced, steps)).run([two]);
  const names = converted.graph.nodes.filter((node: Node) => node.target === QUANTIZE).map(String);
  expect(steps).toHaveLength(forced.length);
  steps.forEach(({ scaled, quantized }, at) => {
    const expected = forced[at].toArray();
    let flips = 0;
    quantized.forEach((value, i) => {
      if (value === expected[i]) return;
      flips++;
      expect(Math.abs(value - expected[i]), names[at]).toBe(1);
      // Inputs are equal to the bit, so results before rounding agree within float32's error of a sum of 144 products:
      // far below a thousandth of a step. Only there may the two round apart.
      expect(Math.abs(Math.abs(scaled[i] % 1) - 0.5), names[at]).toBeLessThan(1e-3);
    });
    // Ties that close are one in a thousand by chance.
    expect(flips, names[at]).toBeLessThanOrEqual(1e-3 * expected.length);
  });
});
