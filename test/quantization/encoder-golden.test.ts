import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { loadPt2 } from '../../lib/capture/index.ts';
import { type GraphModule, Interpreter } from '../../lib/graph/index.ts';
import {
  calibrate,
  convertPt2e,
  getDefaultX86QuantizationConfig,
  preparePt2e,
  X86Quantizer,
} from '../../lib/quantization/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { expectSameGraph, print, printCaseAnnotations } from '../support/pt2e-goldens.ts';

const fixture = (name: string) => new URL(`../fixtures/quantization/${name}`, import.meta.url);

interface Case {
  readonly annotations: object[];
  readonly prepared: string;
  readonly converted: string;
  readonly output: number[];
}

/** A transformer's encoder layer of width 32 in PyTorch: attention, layer norms and a GELU between linear layers. */
const golden = JSON.parse(readFileSync(fixture('encoder.json'), 'utf8')) as {
  inputs: { shape: number[]; data: number[] }[];
  static: Case;
  dynamic: Case;
};
const batches = golden.inputs.map(({ shape, data }) => Tensor.from('float32', data, shape));

let model: GraphModule;
beforeAll(async () => {
  model = await loadPt2(readFileSync(fixture('encoder.pt2')));
});

describe.each([
  ['static', golden.static, {}],
  ['dynamic', golden.dynamic, { isDynamic: true }],
] as const)('an encoder layer, %s', (mode, expected, options) => {
  it('is annotated, prepared and converted as by PyTorch', async () => {
    const prepared = preparePt2e(
      model,
      new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig({ recipe: 'pytorch-2.6', ...options })),
    );
    expect(printCaseAnnotations(prepared)).toEqual(expected.annotations);
    expect(print(prepared)).toBe(expected.prepared.trimEnd());
    if (mode === 'static') await calibrate(prepared, batches);
    const converted = convertPt2e(prepared);
    expectSameGraph(print(converted), expected.converted.trimEnd());
    const output = new Interpreter(converted, operators).run([batches[0]])[0].toArray();
    // One value that rounds to the next integer (about 0.01 here) moves a layer norm's output by at most 0.02.
    output.forEach((value, i) => {
      expect(Math.abs(value - expected.output[i])).toBeLessThanOrEqual(0.02);
    });
  });
});
