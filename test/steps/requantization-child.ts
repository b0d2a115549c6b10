// Linear layers whose results are bytes, of 1 to 200 outputs, with scales that round nothing: whatever the instruction set
// and whoever computes them, they must be the results of real arithmetic. Prints the cases that are not.

import { addon } from '../../lib/native/addon.ts';
import { arrayTypeOf } from '../../lib/tensor/index.ts';
import { type Byte, bounds, byteOf, limits } from '../support/bytes.ts';
import { integers, seeded } from '../support/reference.ts';

const random = seeded(5);
const bytes = (dtype: Byte, count: number) =>
  (arrayTypeOf(dtype) as typeof Uint8Array).from(integers(random, count, ...limits[dtype]));

/** How many results of three rows are wrong. */
function wrongResults(
  outputs: number,
  y: Byte,
  addend: Byte | undefined,
  unary: keyof typeof bounds,
): number {
  const [rows, inputs, addScale, addZeroPoint, zeroPoint] = [3, 2, 0.25, 3, y === 'uint8' ? 122 : -10];
  const x = bytes('uint8', rows * inputs);
  const weight = Int8Array.from(integers(random, outputs * inputs, ...limits.int8));
  const weightScales = Float32Array.from({ length: outputs }, () => 2 ** -integers(random, 1, 1, 7)[0]);
  const bias = Float32Array.from(integers(random, outputs, -2000, 2000), (value) => value / 16);
  const added = bytes(addend ?? 'uint8', rows * outputs);
  const result = new (arrayTypeOf(y))(rows * outputs) as Uint8Array | Int8Array;
  const [low, high] = bounds[unary];
  addon.execute(
    {
      op: 'linear',
      node: 'case',
      attributes: {
        ...{
          xScale: 1,
          xZeroPoint: 0,
          weightScales: [...weightScales],
          outputScale: 1,
          outputZeroPoint: zeroPoint,
        },
        ...{ unary, hasBias: true, ...(unary === 'hardtanh' ? { unaryAlpha: low, unaryBeta: high } : {}) },
        ...(addend ? { binary: 'sum', addScale, addZeroPoint } : {}),
      },
    },
    [
      { dtype: 'uint8', shape: [rows, inputs], data: x },
      {
        dtype: 'int8',
        shape: [outputs, inputs],
        data: addon.createConstant('int8', [outputs, inputs], weight),
      },
      { dtype: 'float32', shape: [outputs], data: bias },
      ...(addend ? [{ dtype: addend, shape: [rows, outputs], data: added }] : []),
    ],
    [{ dtype: y, shape: [rows, outputs], data: result }],
  );
  return result.filter((value, i) => {
    const [row, o] = [Math.floor(i / outputs), i % outputs];
    let sum = 0;
    for (let k = 0; k < inputs; k++) sum += x[row * inputs + k] * weight[o * inputs + k];
    const real = sum * weightScales[o] + bias[o] + (addend ? (added[i] - addZeroPoint) * addScale : 0);
    return value !== byteOf(real, bounds[unary], zeroPoint, y);
  }).length;
}

const wrong: string[] = [];
for (let outputs = 1; outputs <= 200; outputs++)
  for (const y of ['uint8', 'int8'] as const)
    for (const addend of [undefined, 'uint8', 'int8'] as const)
      for (const unary of ['none', 'relu', 'hardtanh'] as const) {
        const count = wrongResults(outputs, y, addend, unary);
        if (count > 0) wrong.push(`${outputs} outputs in ${y}, plus ${addend}, ${unary}: ${count} wrong`);
      }
console.log(JSON.stringify(wrong));
