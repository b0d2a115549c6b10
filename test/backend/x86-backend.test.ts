import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { integerProducts, type KernelPattern, x86Backend } from '../../lib/backend/index.ts';
import { exportModel } from '../../lib/capture/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import * as nn from '../../lib/nn/index.ts';
import {
  calibrate,
  convertPt2e,
  getDefaultX86QuantizationConfig,
  HistogramObserver,
  preparePt2e,
  QuantizationSpec,
  X86Quantizer,
} from '../../lib/quantization/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { octavoHere } from '../cli/octavo.ts';

const layers: Readonly<Record<string, () => nn.Module>> = {
  linear: () => new nn.Linear(8, 8),
  conv1d: () => new nn.Conv1d(8, 8, 1),
  conv2d: () => new nn.Conv2d(8, 8, 1),
};
const activations: Readonly<Record<string, () => nn.Module>> = {
  relu: () => new nn.ReLU(),
  relu6: () => new nn.ReLU6(),
  hardtanh: () => new nn.Hardtanh(),
  hardswish: () => new nn.Hardswish(),
  hardsigmoid: () => new nn.Hardsigmoid(),
  silu: () => new nn.SiLU(),
  leaky_relu: () => new nn.LeakyReLU(),
  gelu: () => new nn.GELU(),
  tanh: () => new nn.Tanh(),
  sigmoid: () => new nn.Sigmoid(),
};

/** A layer, the addition of its input, and an activation, as the pattern has them. */
class PatternModel extends nn.Module {
  readonly layer: nn.Module;
  readonly activation: nn.Module | null;
  readonly #addition: boolean;

  constructor({ operator, addition }: KernelPattern, activation: nn.Module | null) {
    super();
    this.layer = layers[operator.name]();
    this.activation = activation;
    this.#addition = addition ?? false;
  }

  override forward(x: nn.Value): nn.Value {
    const y = this.layer.call(x) as nn.Value;
    const z = this.#addition ? nn.functional.add(y, x) : y;
    return (this.activation?.call(z) as nn.Value | undefined) ?? z;
  }
}

const inputShapes: Readonly<Record<string, readonly number[]>> = {
  linear: [16, 8],
  conv1d: [1, 8, 16],
  conv2d: [1, 8, 4, 4],
};
const annotatedLayers = x86Backend.patterns.filter(
  ({ dtypes, annotated }) => dtypes.weight === 'int8' && annotated === 'by default',
);
const cases = annotatedLayers.flatMap((pattern) =>
  (pattern.functions ?? [null]).map((fused) => {
    const names = [
      pattern.operator.name,
      ...(pattern.addition ? ['add'] : []),
      ...(fused ? [fused.name] : []),
    ];
    return [names.join(' + '), pattern, fused?.name] as const;
  }),
);

describe('the x86 backend', () => {
  it.each(cases)('%s is quantized and becomes one operator, the one declared', async (_, pattern, name) => {
    const model = new PatternModel(pattern, name === undefined ? null : activations[name]()).eval();
    const x = Tensor.from(
      'float32',
      Array.from({ length: 128 }, (_, i) => Math.sin(i)),
      inputShapes[pattern.operator.name],
    );
    const quantizer = new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig());
    const prepared = preparePt2e(exportModel(model, { x }), quantizer);
    await calibrate(prepared, [x]);
    const { module } = lower(convertPt2e(prepared));
    const calls = module.graph.nodes.filter(({ op }) => op === 'call_function').map(({ target }) => target);
    expect(calls.filter((target) => !target.startsWith('quantized_decomposed.'))).toEqual([
      pattern.computedBy,
    ]);
  });

  it('names operators that exist', () => {
    for (const { operator, functions = [], computedBy } of x86Backend.patterns) {
      if (computedBy) expect(operators.has(computedBy), computedBy).toBe(true);
      for (const { operators: targets } of [operator, ...functions])
        for (const target of targets) expect(operators.has(target), target).toBe(true);
    }
  });

  it('has no kernels for other element types: the quantizer says so', () => {
    const config = getDefaultX86QuantizationConfig();
    const observerOrFakeQuantCtr = HistogramObserver;
    const wide = new QuantizationSpec({
      dtype: 'int16',
      qscheme: 'per_tensor_affine',
      observerOrFakeQuantCtr,
    });
    expect(() => new X86Quantizer().setGlobal({ ...config, inputActivation: wide })).toThrow(
      'the backend takes uint8 or int8 activations, got int16',
    );
    expect(() => new X86Quantizer().setGlobal({ ...config, weight: wide })).toThrow(
      `the backend takes ${integerProducts.weight} weights, got int16`,
    );
  });
});

describe('octavo info --backend', () => {
  it('prints a table for people', async () => {
    const { code, stdout } = await octavoHere('info', '--backend');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^\| conv2d → add → relu +\| uint8, int8 +\| int8 +\| uint8, int8, float32 +\| onednn\.qconv2d_pointwise\.binary +\| by default \|$/m,
    );
  });

  it('prints all patterns with --json', async () => {
    const { stdout } = await octavoHere('info', '--backend', '--json');
    const { backend, patterns } = JSON.parse(stdout);
    expect([backend, patterns.length]).toEqual(['x86', x86Backend.patterns.length]);
    expect(patterns[0]).toEqual({
      pattern: [['conv2d'], ['add'], ['relu']],
      inputs: ['uint8', 'int8'],
      weight: 'int8',
      outputs: ['uint8', 'int8', 'float32'],
      sharesQParams: false,
      computedBy: 'onednn.qconv2d_pointwise.binary',
      annotated: 'by default',
    });
  });
});
