import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { exportModel, loadPt2 } from '../../lib/capture/index.ts';
import { type GraphModule, type Node, propagateShapes, type TensorMeta } from '../../lib/graph/index.ts';
import * as nn from '../../lib/nn/index.ts';
import {
  getDefaultX86QuantizationConfig,
  preparePt2e,
  type QuantizationConfig,
  X86Quantizer,
} from '../../lib/quantization/index.ts';
import { recipeOperator } from '../../lib/quantization/x86/operators.ts';
import { GraphBuilder } from '../support/graph-builder.ts';
import { print, printAnnotations, printCaseAnnotations } from '../support/pt2e-goldens.ts';

const fixture = (name: string) => new URL(`../fixtures/quantization/${name}`, import.meta.url);

/** What PyTorch's X86InductorQuantizer made of one model that holds every pattern of its recipe, by configuration. */
const golden = JSON.parse(readFileSync(fixture('recipe.json'), 'utf8')) as Record<
  string,
  { annotations: object[]; prepared: string }
>;

let model: GraphModule;
beforeAll(async () => {
  model = await loadPt2(readFileSync(fixture('recipe.pt2')));
});

const config = getDefaultX86QuantizationConfig();
const config26 = getDefaultX86QuantizationConfig({ recipe: 'pytorch-2.6' });

const quantizers: Readonly<Record<string, () => X86Quantizer>> = {
  global: () => new X86Quantizer().setGlobal(config26),
  dynamic: () =>
    new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig({ isDynamic: true, recipe: 'pytorch-2.6' })),
  'module names': () =>
    new X86Quantizer()
      .setModuleNameQconfig('block', null)
      .setModuleNameQconfig('c5', null)
      .setModuleNameQconfig('l0', null)
      .setGlobal(config26),
  'one module': () => new X86Quantizer().setModuleNameQconfig('block', config26),
  types: () =>
    new X86Quantizer()
      .setModuleTypeQconfig(nn.Linear, null)
      .setModuleTypeQconfig('torch.nn.MaxPool2d', null)
      .setFunctionTypeQconfig('torch.matmul', config26)
      .setGlobal(config26),
  'only linear': () => new X86Quantizer().setFunctionTypeQconfig(nn.functional.linear, config26),
};

describe.each(Object.keys(quantizers))('X86Quantizer, %s', (name) => {
  it('annotates what X86InductorQuantizer annotates', () => {
    const prepared = preparePt2e(model, quantizers[name]());
    expect(printCaseAnnotations(prepared)).toEqual(golden[name].annotations);
    expect(print(prepared)).toBe(golden[name].prepared.trimEnd());
  });
});

/** What PyTorch 2.6 does not quantize. */
class Gated extends nn.Module {
  readonly conv = new nn.Conv1d(4, 8, 3);
  readonly plain = new nn.Conv1d(4, 8, 3);
  readonly relu = new nn.ReLU();

  forward(x: nn.Value): nn.Value {
    const { mul } = nn.functional;
    const gate = this.relu.call(this.conv.call(x));
    return mul(mul(mul(gate, this.plain.call(x)), 0.5), nn.functional.mean(gate, [2], true));
  }
}

describe('X86Quantizer', () => {
  it('quantizes one-dimensional convolutions with their ReLU, and products of one shape', () => {
    const model = exportModel(new Gated().eval(), { x: { dtype: 'float32', shape: [2, 4, 9] } });
    const annotated = (quantizer: X86Quantizer) =>
      printAnnotations(preparePt2e(model, quantizer)).map(
        ({ node, inputs, is_output_of_quantized_pattern }) => [
          node,
          Object.keys(inputs),
          is_output_of_quantized_pattern,
        ],
      );
    expect(annotated(new X86Quantizer().setGlobal(config))).toEqual([
      ['conv1d', ['x', 'conv_weight', 'conv_bias'], false],
      ['relu', [], true],
      ['mul', ['relu', 'conv1d_1'], true],
    ]);
    expect(annotated(new X86Quantizer().setGlobal(config26))).toEqual([]);
    const only = new X86Quantizer().setFunctionTypeQconfig('torch.mul', config);
    expect(annotated(only)).toEqual([['mul', ['relu', 'conv1d_1'], true]]);
    const excluded = new X86Quantizer().setModuleTypeQconfig(nn.Conv1d, null).setGlobal(config);
    expect(annotated(excluded).map(([node]) => node)).toEqual(['conv1d', 'relu', 'mul']);
  });

  it('compares with as many configurations as PyTorch was asked for', () =>
    expect(Object.keys(quantizers)).toEqual(Object.keys(golden)));

  it('leaves everything alone without a configuration', () => {
    const prepared = preparePt2e(model, new X86Quantizer());
    expect(printAnnotations(prepared)).toEqual([]);
    expect(prepared.modules.size).toBe(0);
  });

  it.each([undefined, {}, 'int8'])('refuses %j as a configuration', (config) => {
    expect(() => new X86Quantizer().setGlobal(config as never)).toThrow(
      /an object such as getDefaultX86QuantizationConfig\(\) gives, got/,
    );
  });

  it('refuses mixed recipes, and recipes that there are not', () => {
    const quantizer = new X86Quantizer().setModuleTypeQconfig(nn.Conv2d, config26);
    expect(() => quantizer.setGlobal(config)).toThrow(
      'X86Quantizer: the recipes pytorch-2.6 and torchao cannot be mixed',
    );
    expect(quantizer.recipe).toBe('pytorch-2.6');
    expect(() => getDefaultX86QuantizationConfig({ recipe: '2.7' as never })).toThrow(
      "getDefaultX86QuantizationConfig: recipe must be torchao or pytorch-2.6, got '2.7'",
    );
  });

  it('refuses mixed modes', () => {
    const dynamic = getDefaultX86QuantizationConfig({ isDynamic: true });
    const training: QuantizationConfig = { ...config, isQat: true };
    const quantizer = new X86Quantizer().setGlobal(config).setModuleTypeQconfig(nn.Conv2d, null);
    expect(() => quantizer.setModuleNameQconfig('block', dynamic)).toThrow(/static and dynamic/);
    expect(() => quantizer.setModuleTypeQconfig(nn.Linear, training)).toThrow(/training and calibration/);
    expect(quantizer.getGlobalQuantizationConfig()).toBe(config);
  });

  it('refuses types that it cannot configure, and says which it can', () => {
    expect(() => new X86Quantizer().setModuleTypeQconfig(nn.ReLU, config)).toThrow(
      /cannot configure 'ReLU'.*Conv2d, conv2d, Linear/,
    );
    expect(() => new X86Quantizer().setFunctionTypeQconfig('constructor', config)).toThrow(
      /cannot configure/,
    );
  });
});

/** The nodes that are annotated, each with the inputs that are observed. */
function observed(module: GraphModule, quantizer = new X86Quantizer().setGlobal(config)) {
  propagateShapes(
    module,
    module.graph.placeholders.map(({ meta }) => meta.val as TensorMeta),
    operators,
  ).forEach((meta, node) => {
    node.meta.val = meta;
  });
  quantizer.annotate(module);
  return Object.fromEntries(
    module.graph.nodes
      .filter(({ meta }) => meta.quantizationAnnotation)
      .map((node) => [node.name, [...node.meta.quantizationAnnotation!.inputQspecMap.keys()].map(String)]),
  );
}

describe('what X86Quantizer annotates', () => {
  it('are layers whichever way they were written', () => {
    const b = new GraphBuilder();
    const x = b.input('x', [1, 4, 6, 6]);
    const weight = (name: string) => b.parameter(name, [4, 4, 2, 2]);
    const named = b.call('aten.conv2d.padding', x, weight('w'), null, [1, 1], 'same');
    const geometry = (transposed: boolean) => [[1, 1], [0, 0], [1, 1], transposed, [0, 0], 1];
    const general = b.call('aten.convolution.default', x, weight('u'), null, ...geometry(false));
    const inside = b.call('aten.linear.default', x, b.parameter('v', [6, 6]));
    inside.meta.sourceFnStack = [{ name: 'attn', target: 'torch.nn.modules.activation.MultiheadAttention' }];
    expect(observed(b.finish(named, general, inside))).toEqual({
      conv2d_padding: ['x', 'w'],
      convolution_default: ['x', 'u'],
    });
    expect(recipeOperator(general)?.name).toBe('conv2d');
    general.setArguments([...general.args.slice(0, 3), ...geometry(true)]);
    expect(recipeOperator(general)).toBeUndefined();
  });

  it('are signals with their ReLU, also by the function and through padding with a name', () => {
    const b = new GraphBuilder();
    const x = b.input('x', [1, 4, 9]);
    const conv = (name: string) =>
      b.call('aten.conv1d.padding', x, b.parameter(name, [4, 4, 3]), null, [1], 'valid');
    const relu = (source: string | undefined, y: Node) => {
      const node = b.call('aten.relu.default', y);
      if (source) node.meta.sourceFnStack = [{ name: 'relu', target: source }];
      return node;
    };
    const module = b.finish(
      relu('torch.relu', conv('a')),
      relu(undefined, conv('b')),
      relu('torch.nn.modules.activation.ReLU', conv('c')),
      conv('d'),
    );
    expect(Object.keys(observed(module))).toEqual([
      ...['conv1d_padding', 'relu_default', 'conv1d_padding_1', 'relu_default_1'],
      ...['conv1d_padding_2', 'relu_default_2'],
    ]);
  });

  it('are linear modules that are called twice, without what is fused into others', () => {
    const b = new GraphBuilder();
    const call = (x: Node, path: string, name: string) => {
      const node = b.call('aten.linear.default', x, b.parameter(name, [6, 6]));
      node.meta.nnModuleStack = [{ path, type: 'torch.nn.modules.linear.Linear' }];
      return b.call('aten.relu.default', node);
    };
    const once = call(b.input('x', [2, 6]), 'once', 'u');
    const module = b.finish(call(call(once, 'twice', 'v'), 'twice', 'w'));
    expect(Object.keys(observed(module.clone()))).toEqual([
      ...['linear_default', 'relu_default', 'linear_default_1', 'linear_default_2'],
    ]);
    const older = observed(module.clone(), new X86Quantizer().setGlobal(config26));
    expect(Object.keys(older)).toEqual([
      ...['linear_default', 'relu_default', 'linear_default_1', 'relu_default_1'],
      ...['linear_default_2', 'relu_default_2'],
    ]);
  });

  it('are no constants, and no integers', () => {
    const b = new GraphBuilder();
    const shape = [1, 4, 6, 6];
    const x = b.input('x', shape);
    const integers = b.input('n', shape, 'int64');
    const masked = b.call(
      'aten.mul.Tensor',
      b.parameter('w', [4, 4, 1, 1]),
      b.parameter('mask', [4, 4, 1, 1]),
    );
    const y = b.call('aten.conv2d.default', x, masked);
    const sum = b.call('aten.add.Tensor', y, integers);
    const product = b.call('aten.mul.Tensor', sum, b.input('keep', shape, 'bool'));
    const constant = b.call(
      'aten.conv2d.default',
      b.parameter('image', shape),
      b.parameter('k', [4, 4, 1, 1]),
    );
    const module = b.finish(product, b.call('aten.mul.Tensor', sum, constant));
    expect(observed(module)).toEqual({
      conv2d_default: ['x', 'mul_tensor'],
      add_tensor: [],
      mul_tensor_2: ['add_tensor', 'conv2d_default_1'],
    });
  });
});
