import { describe, expect, test } from 'vitest';
import type { GraphModule, Node } from '../../../lib/graph/index.ts';
import { quantizedAverage } from '../../../lib/lowering/passes/quantized-average.ts';
import { GraphBuilder, uniform } from '../../support/graph-builder.ts';
import { calls, greatestDifference, interpret, runPass } from '../../support/run-pass.ts';
import { build, checkAgainstInterpreter, execute, steps } from '../../support/run-plan.ts';

const quantize = 'quantized_decomposed.quantize_per_tensor.default';

/** A float image that is averaged in 8-bit integers, and scaled. */
function squeezed(shape: readonly number[], dtype: string, [min, max]: readonly number[], size = [1, 1]) {
  const b = new GraphBuilder();
  const image = b.call('aten.sigmoid.default', b.input('x', shape));
  const zeroPoint = dtype === 'int8' ? -7 : 9;
  const integers = b.call(quantize, image, 0.011, zeroPoint, min, max, dtype);
  const average = b.call('aten.adaptive_avg_pool2d.default', integers, size);
  return { module: b.finish(average, b.call('aten.mul.Tensor', image, image)), zeroPoint };
}

describe('images of', () => {
  test.each([
    { shape: [1, 3, 5, 7], dtype: 'uint8', range: [0, 255] },
    { shape: [2, 32, 9, 9], dtype: 'uint8', range: [0, 127] },
    { shape: [1, 96, 40, 40], dtype: 'int8', range: [-128, 127] },
    { shape: [3, 1, 1, 1], dtype: 'int8', range: [-64, 63] },
    { shape: [2, 1, 200, 210], dtype: 'uint8', range: [0, 255] },
    { shape: [1, 5000, 2, 3], dtype: 'uint8', range: [0, 255] },
  ])('$shape are averaged as the $dtype integers they are rounded to', ({ shape, dtype, range }) => {
    const { module, zeroPoint } = squeezed(shape, dtype, range);
    const { module: rewritten, count } = runPass(quantizedAverage, module);
    expect(count).toBe(1);
    expect(calls(rewritten)).not.toContain(quantize);
    const input = uniform(shape, -4, 4, 3);
    // Row-major in the interpreter, channels-last in a plan.
    const results = [interpret(rewritten, input)[0], execute(build(rewritten), [input])[0]];
    const [batch, channels, height, width] = shape;
    const pixels = height * width;
    const values = interpret(onlySigmoid(shape), input)[0].toArray();
    const means = Array.from({ length: batch * channels }, (_, channel) => {
      let sum = 0;
      for (let i = 0; i < pixels; i++) {
        // Products of float32 values, rounded to float32: what quantize_per_tensor is defined by.
        const scaled = Math.fround(values[channel * pixels + i] * Math.fround(1 / 0.011));
        sum += Math.min(Math.max(roundHalfEven(scaled) + zeroPoint, range[0]), range[1]);
      }
      return sum / pixels;
    });
    for (const result of results) {
      expect(result.dtype).toBe(dtype);
      expect(result.shape).toEqual([batch, channels, 1, 1]);
      // Half a step, and what float32 adds to a mean of at most 255.
      const error = Math.max(...result.toArray().map((mean, i) => Math.abs(mean - means[i])));
      expect(error).toBeLessThan(0.5 + 1e-4);
    }
  });

  test('any size give what quantize and average pooling give one after the other', () => {
    const { module } = squeezed([2, 24, 14, 14], 'uint8', [0, 127]);
    const rewritten = runPass(quantizedAverage, module).module;
    const input = uniform([2, 24, 14, 14], -4, 4, 8);
    // Ties may fall to either side.
    expect(
      greatestDifference(interpret(module, input)[0], interpret(rewritten, input)[0]),
    ).toBeLessThanOrEqual(1);
    expect(steps(checkAgainstInterpreter(rewritten))).toContain('quantized_average');
  });
});

function onlySigmoid(shape: readonly number[]): GraphModule {
  const b = new GraphBuilder();
  return b.finish(b.call('aten.sigmoid.default', b.input('x', shape)));
}

function roundHalfEven(value: number): number {
  const down = Math.floor(value);
  const rest = value - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 !== 0) ? down + 1 : down;
}

test('integers that are used elsewhere, other sizes and inputs of the graph keep their quantize', () => {
  expect(runPass(quantizedAverage, squeezed([1, 4, 6, 6], 'uint8', [0, 255], [2, 2]).module).count).toBe(0);
  const pooled = (make: (b: GraphBuilder, x: Node) => Node) => {
    const b = new GraphBuilder();
    const integers = b.quantize(make(b, b.input('x', [1, 4, 6, 6])), 0.02, 3);
    return b.finish(b.call('aten.adaptive_avg_pool2d.default', integers, [1, 1]), integers);
  };
  expect(
    runPass(
      quantizedAverage,
      pooled((b, x) => b.call('aten.sigmoid.default', x)),
    ).count,
  ).toBe(0);
  const b = new GraphBuilder();
  const integers = b.quantize(b.input('x', [1, 4, 6, 6]), 0.02, 3);
  const direct = b.finish(b.call('aten.adaptive_avg_pool2d.default', integers, [1, 1]));
  expect(runPass(quantizedAverage, direct).count).toBe(0);
});
