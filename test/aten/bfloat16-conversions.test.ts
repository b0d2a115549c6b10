import { describe, expect, it } from 'vitest';
import { rowMajorStrides, Tensor } from '../../lib/tensor/index.ts';
import { image, layouts, rounded, valuesOf, x, y } from '../support/bfloat16-tensors.ts';
import { runStep, seededTensor } from '../support/steps.ts';

describe('bfloat16 beside float32', () => {
  it('adds to a float32 tensor in float32', () => {
    const other = seededTensor('float32', image, 11);
    const sum = runStep(
      { op: 'binary', attributes: { algorithm: 'add' } },
      [x, other],
      [{ dtype: 'float32', shape: image }],
    ).results[0];
    const [a, b] = [valuesOf(x), other.toArray()];
    expect(sum.toArray()).toEqual(a.map((value, i) => Math.fround(value + b[i])));
  });

  it.each(Object.keys(layouts))('is cast both ways, %s', (name) => {
    const [from, to] = layouts[name];
    const wider = runStep(
      { op: 'copy', attributes: {} },
      [x],
      [{ dtype: 'float32', shape: image }],
      from,
      to,
    );
    expect(wider.results[0].toArray()).toEqual(valuesOf(x));
    const fine = seededTensor('float32', image, 5)
      .toArray()
      .map((value) => value * 1.013);
    const given = Tensor.from('float32', fine, image);
    const narrow = runStep(
      { op: 'copy', attributes: {} },
      [given],
      [{ dtype: 'bfloat16', shape: image }],
      from,
      to,
    );
    expect(valuesOf(narrow.results[0])).toEqual(given.toArray().map(rounded));
  });

  it('is joined and padded as it is', () => {
    const joined = runStep(
      { op: 'concat', attributes: { axis: 1 } },
      [x, y],
      [{ dtype: 'bfloat16', shape: [2, 38, 5, 6] }],
    ).results[0];
    const [a, b] = [valuesOf(x), valuesOf(y)];
    const half = a.length / 2;
    expect(valuesOf(joined)).toEqual(
      [0, half].flatMap((at) => [...a.slice(at, at + half), ...b.slice(at, at + half)]),
    );
    const padded = runStep(
      { op: 'pad', attributes: { padding: [0, 0, 0, 1], value: 0.3 } },
      [x],
      [{ dtype: 'bfloat16', shape: [2, 19, 5, 8] }],
    ).results[0];
    const expected = Array.from({ length: a.length / 6 }, (_, i) => [
      ...[rounded(0.3), ...a.slice(6 * i, 6 * i + 6), rounded(0.3)],
    ]);
    expect(valuesOf(padded)).toEqual(expected.flat());
  });
});

describe('quantization', () => {
  const range = { quantMin: 0, quantMax: 255 };
  const widened = Tensor.from('float32', valuesOf(x), image);

  it.each(Object.keys(layouts))(
    'of bfloat16 gives the integers of the same values in float32, %s',
    (name) => {
      const [from, to] = layouts[name];
      for (const scale of [0.05, 0.013, 1 / 32]) {
        const attributes = { scale, zeroPoint: 117, ...range };
        const [narrow, wide] = [x, widened].map(
          (tensor) =>
            runStep({ op: 'quantize', attributes }, [tensor], [{ dtype: 'uint8', shape: image }], from, to)
              .results[0],
        );
        expect(narrow.toArray()).toEqual(wide.toArray());
        const inverse = Math.fround(1 / scale);
        const even = (v: number) => (Math.abs(v % 1) === 0.5 ? 2 * Math.round(v / 2) : Math.round(v));
        const exact = valuesOf(x).map((v) =>
          Math.min(Math.max(even(Math.fround(v * inverse)) + 117, 0), 255),
        );
        expect(narrow.toArray()).toEqual(exact);
      }
    },
  );

  it('per channel, and with the range of the tensor itself', () => {
    const scales = Tensor.from(
      'float32',
      Array.from({ length: 19 }, (_, i) => 0.02 + i / 500),
    );
    const [narrow, wide] = [x, widened].map((tensor) => [
      runStep(
        { op: 'quantize_per_channel', attributes: { axis: 1 } },
        [tensor, scales],
        [{ dtype: 'int8', shape: image }],
      ).results[0].toArray(),
      runStep(
        { op: 'choose_qparams', attributes: { ...range, eps: 1e-6, symmetric: false } },
        [tensor],
        [
          { dtype: 'float64', shape: [1] },
          { dtype: 'int64', shape: [1] },
        ],
      ).results.map((result) => result.toArray()),
    ]);
    expect(narrow).toEqual(wide);
  });

  it.each(Object.keys(layouts))(
    'of an average gives the integers of the same values in float32, %s',
    (name) => {
      const step = { op: 'quantized_average', attributes: { scale: 0.02, zeroPoint: 117, ...range } };
      const [narrow, wide] = [x, widened].map((tensor) => {
        const output = { dtype: 'uint8' as const, shape: [2, 19, 1, 1] };
        return runStep(step, [tensor], [output], layouts[name][0], rowMajorStrides).results[0].toArray();
      });
      expect(narrow).toEqual(wide);
    },
  );

  it('dequantizes to the nearest bfloat16', () => {
    const integers = seededTensor('uint8', image);
    const attributes = { scale: 0.0173, zeroPoint: 117, ...range };
    const result = runStep(
      { op: 'dequantize', attributes },
      [integers],
      [{ dtype: 'bfloat16', shape: image }],
    );
    const exact = integers.toArray().map((q) => Math.fround((q - 117) * Math.fround(0.0173)));
    expect(valuesOf(result.results[0])).toEqual(exact.map(rounded));
  });
});
