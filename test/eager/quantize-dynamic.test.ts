import { describe, expect, it, vi } from 'vitest';
import * as eager from '../../lib/eager/index.ts';
import {
  compile,
  convertFx,
  exportModel,
  float16DynamicQconfig,
  lower,
  prepareFx,
  QConfigMapping,
} from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { numbers } from './goldens.ts';

const x = Tensor.from('float32', [1, -2, 3, 0.5, -0.25, 4], [2, 3]);

const typesOf = (model: nn.Module) =>
  model.namedModules().map(([path, module]) => `${path} ${module.constructor.name}`);

describe('quantizeDynamic', () => {
  const model = () => new nn.Sequential(new nn.Linear(3, 4), new nn.ReLU(), new nn.Linear(4, 2));

  it('quantizes classes and paths, with dtypes or configurations of their own', () => {
    expect(typesOf(eager.quantizeDynamic(model(), new Set(['2']), 'float16'))).toEqual([
      ...[' Sequential', '0 Linear', '1 ReLU', '2 Float16Linear'],
    ]);
    const spec = new Map([
      ['0', null],
      ['2', float16DynamicQconfig],
    ]);
    expect(typesOf(eager.quantizeDynamic(model(), spec))).toContain('2 Float16Linear');
  });

  it('keeps float16 weights when it is lowered, and computes with them in float32', async () => {
    const given = model();
    const quantized = eager.quantizeDynamic(given, undefined, 'float16');
    const { module } = lower(exportModel(quantized, { x }));
    expect(module.graph.nodes.map(({ target }) => target)).toContain(
      'onednn.linear_relu_dynamic_fp16.default',
    );
    const { weight, bias } = given.at(0) as nn.Linear;
    const half = new Float64Array(numbers(weight.tensor)).map(toFloat16);
    const first = Array.from({ length: 8 }, (_, i) => {
      const [row, out] = [Math.floor(i / 4), i % 4];
      const terms = [0, 1, 2].map((k) => numbers(x)[3 * row + k] * half[3 * out + k]);
      return Math.max(0, terms[0] + terms[1] + terms[2] + numbers(bias!.tensor)[out]);
    });
    const hidden = new nn.Sequential(quantized.at(0), quantized.at(1)).call(x) as Tensor;
    // float32 against float64; the weights' rounding to float16 alone is 5e-4 of them.
    for (const [i, value] of numbers(hidden).entries()) expect(Math.abs(value - first[i])).toBeLessThan(1e-6);
    const [planned] = Object.values(await compile(module).run(x));
    for (const [i, value] of numbers(quantized.call(x) as Tensor).entries())
      expect(Math.abs(value - numbers(planned)[i])).toBeLessThan(1e-6);
  });

  it('saturates weights that float16 does not reach, as PyTorch does, and warns', async () => {
    const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const layer = new nn.Linear(2, 2, { bias: false });
    layer.weight.tensor = Tensor.from('float32', [1e6, 1, -Infinity, 3], [2, 2]);
    const large = new nn.Sequential(layer).eval();
    const ones = Tensor.from('float32', [1, 1], [1, 2]);
    const quantized = eager.quantizeDynamic(large, undefined, 'float16');
    // 65504 is the largest finite float16.
    expect(numbers(quantized.call(ones) as Tensor)).toEqual([65505, -65501]);
    expect(warning).toHaveBeenCalledWith(expect.stringContaining('2 of 4 elements lie outside of float16'));
    const mapping = new QConfigMapping().setGlobal(float16DynamicQconfig);
    using compiled = compile(convertFx(prepareFx(large, mapping, { x: ones })));
    expect(Object.values(await compiled.run(ones)).map(numbers)).toEqual([[65505, -65501]]);
    expect(warning).toHaveBeenCalledWith(expect.stringContaining("'0.weight': 2 of 4"));
    warning.mockRestore();
  });

  it('refuses what it cannot quantize', () => {
    expect(() => eager.quantizeDynamic(model(), [nn.Linear] as never)).toThrow('must be a Set of classes');
    expect(() => eager.quantizeDynamic(model(), undefined, 'int4' as never)).toThrow(
      "dtype must be int8, float16, uint8, got 'int4'",
    );
    expect(() => eager.quantizeDynamic(model(), new Set([nn.Conv2d]))).toThrow(
      /there is no dynamic quantization of Conv2d; there is of .*Linear, LSTM/,
    );
    expect(() => eager.quantizeDynamic(model(), new Set(['1']))).toThrow(
      "nothing inside of the model is quantized: it looks for '1'",
    );
    expect(() => eager.quantizeDynamic(model(), new Set([nn.Linear, '3']))).toThrow(
      "quantizeDynamic: there is no module '3' in the model",
    );
    const projected = new nn.Sequential(new nn.LSTM(2, 4, { projSize: 2 }));
    expect(() => eager.quantizeDynamic(projected)).toThrow('whose states are projected is not quantized');
    const half = new nn.Sequential(new nn.LSTM(2, 4));
    expect(() => eager.quantizeDynamic(half, new Set([nn.LSTM]), 'float16')).toThrow(
      'weights are quantized to int8, not to float16',
    );
  });
});

/** Rounds a number of float16's normal range to its 11 bits. */
function toFloat16(value: number): number {
  const step = 2 ** (Math.max(Math.floor(Math.log2(Math.abs(value))), -14) - 10);
  const steps = value / step;
  const floor = Math.floor(steps);
  const isUp = steps - floor > 0.5 || (steps - floor === 0.5 && floor % 2 !== 0);
  return (isUp ? floor + 1 : floor) * step;
}
