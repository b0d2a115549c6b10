import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { loadPt2 } from '../../lib/capture/index.ts';
import { type GraphModule, Interpreter, isCall, type Node } from '../../lib/graph/index.ts';
import {
  calibrate,
  convertPt2e,
  DerivedQuantizationSpec,
  FixedQParamsQuantizationSpec,
  MinMaxObserver,
  ObserverBase,
  PerChannelMinMaxObserver,
  preparePt2e,
  type QParams,
  QuantizationAnnotation,
  QuantizationSpec,
  type QuantizationSpecBase,
  Quantizer,
  SharedQuantizationSpec,
} from '../../lib/quantization/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { of26, print } from '../support/pt2e-goldens.ts';

const fixture = (name: string) => new URL(`../fixtures/quantization/${name}`, import.meta.url);

interface Case {
  readonly prepared: string;
  readonly converted: string;
  readonly tensors: Readonly<Record<string, { dtype: string; data: number[] }>>;
}

/** Two convolutions into a concatenation, a third and a sigmoid, quantized by the same quantizer written for PyTorch. */
const golden = JSON.parse(readFileSync(fixture('custom.json'), 'utf8')) as Record<string, Case> & {
  inputs: { shape: number[]; data: number[] }[];
};
const inputs = golden.inputs.map(({ shape, data }) => Tensor.from('float32', data, shape));

const activation = new QuantizationSpec({
  dtype: 'uint8',
  quantMin: 0,
  quantMax: 255,
  qscheme: 'per_tensor_affine',
  observerOrFakeQuantCtr: MinMaxObserver.withArgs({ eps: 2 ** -12 }),
});
const weights = new QuantizationSpec({
  dtype: 'int8',
  quantMin: -127,
  quantMax: 127,
  qscheme: 'per_channel_symmetric',
  chAxis: 0,
  observerOrFakeQuantCtr: PerChannelMinMaxObserver,
});

interface Options {
  readonly implicitSharing?: boolean;
  readonly derivedBias?: boolean;
  readonly fixedOutput?: boolean;
  readonly outputs?: boolean;
}

class CustomQuantizer extends Quantizer {
  readonly #options: Options;

  constructor(options: Options) {
    super();
    this.#options = options;
  }

  override annotate(module: GraphModule): void {
    for (const node of module.graph.nodes) {
      if (isCall(node, 'aten.conv2d.default')) this.#convolution(node);
      if (isCall(node, 'aten.cat.default')) this.#concatenation(node);
      if (isCall(node, 'aten.sigmoid.default') && this.#options.fixedOutput) this.#sigmoid(node);
    }
  }

  #convolution(node: Node): void {
    const { implicitSharing = true, derivedBias = false, outputs = true } = this.#options;
    const [input, weight, bias] = node.args as Node[];
    const inputQspecMap: [Node, QuantizationSpecBase][] = [
      [input, activation],
      [weight, weights],
    ];
    if (derivedBias)
      inputQspecMap.push([
        bias,
        new DerivedQuantizationSpec({
          derivedFrom: [
            [input, node],
            [weight, node],
          ],
          deriveQparamsFn: ([forInput, forWeight]) => {
            const scale = forInput.calculateQparams().scale.item();
            const scales = forWeight.calculateQparams().scale.toArray();
            return {
              scale: Tensor.from(
                'float32',
                scales.map((s) => s * scale),
              ),
              zeroPoint: Tensor.zeros('int32', [scales.length]),
            };
          },
          dtype: 'int32',
          quantMin: -(2 ** 31),
          quantMax: 2 ** 31 - 1,
          qscheme: 'per_channel_symmetric',
          chAxis: 0,
        }),
      ]);
    node.meta.quantizationAnnotation = new QuantizationAnnotation({
      inputQspecMap,
      outputQspec: outputs ? activation : null,
      allowImplicitSharing: implicitSharing,
      annotated: true,
    });
  }

  #concatenation(node: Node): void {
    const [first, second] = node.args[0] as Node[];
    const shared = new SharedQuantizationSpec([first, node]);
    node.meta.quantizationAnnotation = new QuantizationAnnotation({
      inputQspecMap: [
        [first, activation],
        [second, shared],
      ],
      outputQspec: shared,
      allowImplicitSharing: this.#options.implicitSharing ?? true,
      annotated: true,
    });
  }

  #sigmoid(node: Node): void {
    node.meta.quantizationAnnotation = new QuantizationAnnotation({
      inputQspecMap: [[node.args[0] as Node, activation]],
      outputQspec: new FixedQParamsQuantizationSpec({
        dtype: 'uint8',
        scale: 1 / 256,
        zeroPoint: 0,
        quantMin: 0,
        quantMax: 255,
        qscheme: 'per_tensor_affine',
      }),
      annotated: true,
    });
  }
}

const cases: Readonly<Record<string, Options>> = {
  shared: {},
  'explicit sharing alone': { implicitSharing: false },
  'derived bias': { derivedBias: true },
  'fixed output': { fixedOutput: true },
  'inputs alone': { outputs: false },
};

let model: GraphModule;
beforeAll(async () => {
  model = await loadPt2(readFileSync(fixture('custom.pt2')));
});

const withoutFloats = (graph: string) => graph.replace(/\b\d+\.\d+(e-?\d+)?\b/g, '#');

describe.each(Object.entries(cases))('a custom quantizer, %s', (name, options) => {
  const { prepared, converted, tensors } = golden[name];

  it('gives the graphs that PyTorch’s gives', async () => {
    const observed = preparePt2e(model, of26(new CustomQuantizer(options)));
    expect(print(observed)).toBe(prepared.trimEnd());
    await calibrate(observed, [inputs]);
    const quantized = convertPt2e(observed);
    expect(withoutFloats(print(quantized))).toBe(withoutFloats(converted.trimEnd()));
    const stored = [...quantized.attributes].filter(([target]) => !target.includes('.'));
    expect(stored.map(([target]) => target).sort()).toEqual(Object.keys(tensors).sort());
    for (const [target, tensor] of stored) {
      expect(`torch.${tensor.dtype}`).toBe(tensors[target].dtype);
      tensor.toArray().forEach((value, i) => {
        // Inputs of the second layer of convolutions are sums in another order: their scales may differ in the last bits.
        const expected = tensors[target].data[i];
        expect(Math.abs(value - expected), target).toBeLessThanOrEqual(1e-6 * Math.abs(expected));
      });
    }
    expect(new Interpreter(quantized, operators).run(inputs)[0].shape).toEqual([2, 2, 4, 4]);
  });
});

it('a derived bias keeps its integers in reference representation', async () => {
  const observed = preparePt2e(model, new CustomQuantizer({ derivedBias: true }));
  await calibrate(observed, [inputs]);
  const converted = convertPt2e(observed);
  const reference = convertPt2e(observed, { useReferenceRepresentation: true });
  const biases = ({ attributes }: GraphModule) =>
    [...attributes]
      .filter(([name, { dtype }]) => dtype === 'int32' && /^_(bias|frozen_param)/.test(name))
      .map(([, tensor]) => tensor.toArray());
  expect(biases(converted)).toHaveLength(3);
  expect(biases(reference)).toEqual(biases(converted));
  const layers = reference.graph.nodes.filter((node) => isCall(node, 'octavo.integer_convolution.default'));
  expect(layers).toHaveLength(3);
  const [got, expected] = [reference, converted].map((module) =>
    new Interpreter(module, operators).run(inputs)[0].toArray(),
  );
  // The sigmoid's slope is at most 1/4, and values rounded to the next of 256 integers differ by less than a tenth.
  got.forEach((value, i) => {
    expect(Math.abs(value - expected[i])).toBeLessThanOrEqual(0.025);
  });
});

it('places that share are watched by one observer', () => {
  const prepared = preparePt2e(model, new CustomQuantizer({}));
  const observerOf = (name: string) => {
    const node = prepared.graph.nodes.find((candidate) => candidate.name === name)!;
    return prepared.module(node.users.find((user) => user.op === 'call_module')!.target);
  };
  expect(observerOf('conv2d')).toBe(observerOf('conv2d_1'));
  expect(observerOf('conv2d')).toBe(observerOf('cat'));
  expect(observerOf('conv2d')).not.toBe(observerOf('x'));
});

it('an observer written in TypeScript works like a built-in one', async () => {
  class LargestPowerOfTwo extends ObserverBase {
    readonly qscheme = 'per_tensor_affine';
    #largest = 0;

    constructor(args: { readonly dtype?: 'uint8' }) {
      super(args.dtype ?? 'uint8');
    }

    protected override observe(input: Tensor): void {
      for (const value of input.toArray()) this.#largest = Math.max(this.#largest, Math.abs(value));
    }

    override calculateQparams(): QParams {
      const scale = 2 ** Math.ceil(Math.log2(this.#largest)) / 128;
      return { scale: Tensor.from('float32', [scale]), zeroPoint: Tensor.from('int32', [128]) };
    }
  }
  const spec = new QuantizationSpec({ dtype: 'uint8', observerOrFakeQuantCtr: LargestPowerOfTwo });
  class InputQuantizer extends Quantizer {
    override annotate(module: GraphModule): void {
      for (const node of module.graph.nodes)
        if (isCall(node, 'aten.sigmoid.default'))
          node.meta.quantizationAnnotation = new QuantizationAnnotation({
            inputQspecMap: [[node.allInputNodes[0], spec]],
          });
    }
  }
  const prepared = preparePt2e(model, new InputQuantizer());
  await calibrate(prepared, [inputs]);
  expect(print(convertPt2e(prepared))).toMatch(
    /quantize_per_tensor\.default\]\(args = \(%conv2d_2, 0\.015625, 128, 0, 255/,
  );
});
