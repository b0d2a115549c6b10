import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { loadPt2 } from '../../lib/capture/index.ts';
import { type GraphModule, Interpreter, isCall, type Node } from '../../lib/graph/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import * as nn from '../../lib/nn/index.ts';
import {
  ComposableQuantizer,
  type ConvertOptions,
  calibrate,
  convertPt2e,
  EmbeddingQuantizer,
  getDefaultX86QuantizationConfig,
  MinMaxObserver,
  PerChannelMinMaxObserver,
  PlaceholderObserver,
  preparePt2e,
  QuantizationAnnotation,
  QuantizationSpec,
  Quantizer,
  X86Quantizer,
  x86LinearDynamicFp16Config,
} from '../../lib/quantization/index.ts';
import { compile } from '../../lib/runtime/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { expectSameGraph, of26, print } from '../support/pt2e-goldens.ts';

const fixture = (name: string) => new URL(`../fixtures/quantization/${name}`, import.meta.url);

interface Case {
  readonly prepared: string;
  readonly converted: string;
  readonly tensors: Readonly<Record<string, { dtype: string; shape: number[]; data: number[] }>>;
  readonly output: number[];
}

/** An embedding and two linear layers under every kind of specification: script/goldens/specs.py. */
const golden = JSON.parse(readFileSync(fixture('specs.json'), 'utf8')) as Record<string, Case> & {
  inputs: number[][][];
};
const inputs = golden.inputs.map(
  (rows) => new Tensor('int64', BigInt64Array.from(rows.flat(), BigInt), [3, 5]),
);

class LinearQuantizer extends Quantizer {
  readonly #specs: readonly [QuantizationSpec, QuantizationSpec, QuantizationSpec | null];

  constructor(
    activation: QuantizationSpec,
    weight: QuantizationSpec,
    output: QuantizationSpec | null = null,
  ) {
    super();
    this.#specs = [activation, weight, output];
  }

  override annotate(module: GraphModule): void {
    const [activation, weight, output] = this.#specs;
    for (const node of module.graph.nodes) {
      if (!isCall(node, 'aten.linear.default')) continue;
      const [x, w] = node.args as Node[];
      const isLast = node.users.some((user) => user.op === 'output');
      node.meta.quantizationAnnotation = new QuantizationAnnotation({
        inputQspecMap: [
          [x, activation],
          [w, weight],
        ],
        outputQspec: isLast ? output : null,
        annotated: true,
      });
    }
  }
}

const symmetric = { dtype: 'int8', quantMin: -127, quantMax: 127, qscheme: 'per_tensor_symmetric' } as const;
const wide = new QuantizationSpec({
  dtype: 'int16',
  quantMin: -32768,
  quantMax: 32767,
  qscheme: 'per_tensor_affine',
  observerOrFakeQuantCtr: MinMaxObserver.withArgs({ eps: 2 ** -20 }),
});
const x86 = () => new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig());

const cases: Readonly<Record<string, () => readonly [Quantizer, ConvertOptions?]>> = {
  embedding: () => [new EmbeddingQuantizer()],
  composed: () => [new ComposableQuantizer([new EmbeddingQuantizer(), x86()])],
  unfolded: () => [x86(), { foldQuantize: false }],
  'float16 weights': () => [new X86Quantizer().setModuleTypeQconfig(nn.Linear, x86LinearDynamicFp16Config())],
  'dynamic symmetric': () => [
    new LinearQuantizer(
      new QuantizationSpec({
        ...symmetric,
        isDynamic: true,
        observerOrFakeQuantCtr: PlaceholderObserver.withArgs({ eps: 2 ** -12 }),
      }),
      new QuantizationSpec({
        ...symmetric,
        observerOrFakeQuantCtr: MinMaxObserver.withArgs({ eps: 2 ** -12 }),
      }),
    ),
  ],
  int16: () => [
    new LinearQuantizer(
      wide,
      new QuantizationSpec({
        dtype: 'int8',
        quantMin: -128,
        quantMax: 127,
        qscheme: 'per_channel_affine',
        chAxis: 0,
        observerOrFakeQuantCtr: PerChannelMinMaxObserver,
      }),
      wide,
    ),
  ],
};

let model: GraphModule;
beforeAll(async () => {
  model = await loadPt2(readFileSync(fixture('specs.pt2')));
});

const run = (module: GraphModule) => new Interpreter(module, operators).run([inputs[0]])[0].toArray();

async function quantize(name: string): Promise<{ prepared: GraphModule; converted: GraphModule }> {
  const [quantizer, options] = cases[name]();
  const prepared = preparePt2e(model, of26(quantizer));
  await calibrate(prepared, inputs);
  return { prepared, converted: convertPt2e(prepared, options) };
}

it('compares with as many cases as PyTorch was asked for', () => {
  expect(Object.keys(golden)).toEqual(['inputs', ...Object.keys(cases)]);
});

describe.each(Object.keys(cases))('a model quantized as %s', (name) => {
  const expected = golden[name];

  it('is prepared and converted as by PyTorch', async () => {
    const { prepared, converted } = await quantize(name);
    expect(print(prepared)).toBe(expected.prepared.trimEnd());
    expectSameGraph(print(converted), expected.converted.trimEnd());
    const made = [...converted.attributes].filter(([target]) => !target.includes('.'));
    expect(made.map(([target]) => target).sort()).toEqual(Object.keys(expected.tensors).sort());
    for (const [target, tensor] of made) {
      const { dtype, shape, data } = expected.tensors[target];
      expect([`torch.${tensor.dtype}`, ...tensor.shape], target).toEqual([dtype, ...shape]);
      expect(tensor.toArray(), target).toEqual(
        data.map((v) => (tensor.dtype === 'float32' ? Math.fround(v) : v)),
      );
    }
  });

  it('answers as PyTorch’s does, lowered and compiled too', async () => {
    const { converted } = await quantize(name);
    const lowered = lower(converted).module;
    const compiled = await compile(lowered);
    const [output] = Object.values(compiled.runSync({ tokens: inputs[0] }));
    compiled.dispose();
    for (const values of [run(converted), run(lowered), output.toArray()])
      values.forEach((value, i) => {
        // No value rounds to another integer in so small a model; what is left is float32's rounding of 16 products.
        expect(Math.abs(value - expected.output[i])).toBeLessThanOrEqual(1e-5);
      });
  });
});

describe('ComposableQuantizer', () => {
  const annotating = (change: (node: Node) => void) =>
    new (class Second extends Quantizer {
      override annotate(module: GraphModule): void {
        for (const node of module.graph.nodes) if (isCall(node, 'aten.linear.default')) change(node);
      }
    })();

  it('refuses a quantizer that changes or removes what another annotated', () => {
    const changed = annotating((node) => {
      node.meta.quantizationAnnotation = new QuantizationAnnotation();
    });
    const removed = annotating((node) => {
      delete node.meta.quantizationAnnotation;
    });
    expect(() => preparePt2e(model, new ComposableQuantizer([x86(), changed]))).toThrow(
      /Second has changed the annotation of node 'linear' by X86Quantizer/,
    );
    expect(() => preparePt2e(model, new ComposableQuantizer([x86(), removed]))).toThrow(
      /Second has removed the annotation of node 'linear' by X86Quantizer/,
    );
  });

  it('transforms and validates by all its quantizers, in order', () => {
    const calls: string[] = [];
    const logging = (name: string) =>
      new (class extends Quantizer {
        override transformForAnnotation(module: GraphModule): GraphModule {
          calls.push(`transform ${name}`);
          return module;
        }
        override annotate(): void {
          calls.push(`annotate ${name}`);
        }
        override validate(): void {
          calls.push(`validate ${name}`);
        }
        override prepareObserversCallback(): void {
          calls.push(`observers ${name}`);
        }
      })();
    preparePt2e(model, new ComposableQuantizer([logging('a'), logging('b')]));
    expect(calls).toEqual(
      ['transform', 'annotate', 'validate', 'observers'].flatMap((step) => [`${step} a`, `${step} b`]),
    );
  });
});
