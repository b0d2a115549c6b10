import { describe, expect, test } from 'vitest';
import { referenceModels } from '../../bench/models/index.ts';
import { operators } from '../../lib/aten/index.ts';
import { exportModel, loadPt2 } from '../../lib/capture/index.ts';
import { loadNpz } from '../../lib/formats/npz.ts';
import {
  type Argument,
  Arguments,
  type GraphModule,
  Interpreter,
  isArgumentList,
  Node,
} from '../../lib/graph/index.ts';
import { type Lowered, lower } from '../../lib/lowering/index.ts';
import { manualSeed } from '../../lib/nn/index.ts';
import {
  calibrate,
  convertPt2e,
  getDefaultX86QuantizationConfig,
  preparePt2e,
  X86Quantizer,
} from '../../lib/quantization/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { uniform } from '../support/graph-builder.ts';
import { calls, greatestDifference, interpret } from '../support/run-pass.ts';

async function quantize(model: GraphModule, batch: Tensor, reduceRange = false): Promise<GraphModule> {
  const prepared = preparePt2e(
    model,
    new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig({ reduceRange })),
  );
  await calibrate(prepared, [batch]);
  return convertPt2e(prepared);
}

/** How often each operator is called. */
function census(module: GraphModule): Record<string, number> {
  const count: Record<string, number> = {};
  for (const target of calls(module)) {
    const name = target.replace(/^quantized_decomposed\.|\.(default|using_ints)$/g, '');
    count[name] = (count[name] ?? 0) + 1;
  }
  return count;
}

describe('the networks of the demo', () => {
  const glyphs = async (count: number): Promise<Tensor> => {
    const pixels = (await loadNpz('models/glyphs/calib.npz')).get('x')!.data.subarray(0, count * 3 * 32 * 32);
    const values = Array.from(pixels as Uint8Array, (pixel) => (pixel / 255 - 0.5) / 0.25);
    return Tensor.from('float32', values, [count, 3, 32, 32]);
  };

  test.each([
    { name: 'glyph_resnet', reduceRange: false, additions: 4, convolutions: 7 },
    { name: 'glyph_resnet', reduceRange: true, additions: 4, convolutions: 7 },
    { name: 'glyph_mobilenet', reduceRange: false, additions: 3, convolutions: 14 },
    { name: 'glyph_mobilenet', reduceRange: true, additions: 3, convolutions: 14 },
  ])(
    '$name (reduced range: $reduceRange) runs on 8-bit integers, each step within one of its own',
    async (network) => {
      const converted = await quantize(
        await loadPt2(`models/${network.name}.pt2`),
        await glyphs(32),
        network.reduceRange,
      );
      const lowered = lower(converted, { strict: true });
      expect(census(lowered.module)).toMatchObject({
        quantize_per_tensor: 1,
        'onednn.qconv2d_pointwise': network.convolutions,
        'onednn.qconv2d_pointwise.binary': network.additions,
        'aten.adaptive_avg_pool2d': 1,
        'onednn.qlinear_pointwise': 1,
      });
      expect(census(lowered.module)).not.toHaveProperty('dequantize_per_tensor');
      expect(checkSteps(converted, lowered, await glyphs(4))).toBeGreaterThan(10);
    },
  );
});

/**
 * Runs every lowered step on the values that the graph before lowering has there, so that differences do not add up.
 * @returns how many steps were compared.
 */
function checkSteps(original: GraphModule, { module, report }: Lowered, input: Tensor): number {
  const values = new Map<string, Tensor>();
  new Interpreter(original, operators).run([input], (node, value) => {
    if (value instanceof Tensor) values.set(node.name, value);
  });
  // The last of the nodes that a step computes and whose value has its dtype and shape has its value.
  const expected = (node: Node, { dtype, shape }: Pick<Tensor, 'dtype' | 'shape'>): Tensor | undefined =>
    report.nodes
      .filter(({ computedBy }) => computedBy.includes(node.name))
      .map(({ node: name }) => values.get(name))
      .findLast((value) => value?.dtype === dtype && String(value.shape) === String(shape));
  const known = new Map<Node, Tensor>();
  let compared = 0;
  for (const node of module.graph.nodes) {
    if (node.op === 'placeholder') known.set(node, input);
    if (node.op === 'get_attr') known.set(node, module.attribute(node.target));
    if (node.op !== 'call_function') continue;
    const load = (arg: Argument): unknown =>
      arg instanceof Node ? known.get(arg) : isArgumentList(arg) ? arg.map(load) : arg;
    const operator = operators.get(node.target);
    const actual = operator.execute(Arguments.bind<Tensor>(operator.schema, node.args.map(load))) as Tensor;
    const wanted = expected(node, actual);
    known.set(node, wanted ?? actual);
    if (!wanted) continue;
    // float32 sums in another order: ties of integers may fall to either side; the logits are below 32.
    const tolerance = actual.dtype === 'float32' ? 1e-4 : 1;
    expect(greatestDifference(wanted, actual), `step ${node.name}`).toBeLessThanOrEqual(tolerance);
    compared++;
  }
  return compared;
}

describe("torchvision's networks", () => {
  const image = uniform([1, 3, 64, 64], -2, 2, 5);
  const exported = new Map<string, GraphModule>();
  const captured = (name: string): GraphModule => {
    if (!exported.has(name)) {
      manualSeed(0);
      const model = referenceModels[name]();
      model.eval();
      exported.set(name, exportModel(model, { x: image }));
    }
    return exported.get(name)!;
  };

  test("ResNet-18's lowering is Inductor's: 20 convolutions, 8 of them with the residual, one linear, one max-pool", async () => {
    const { module, report } = lower(await quantize(captured('resnet18'), image), { strict: true });
    expect(census(module)).toEqual({
      quantize_per_tensor: 1,
      'onednn.qconv2d_pointwise': 12,
      'onednn.qconv2d_pointwise.binary': 8,
      'aten.max_pool2d': 1,
      'aten.adaptive_avg_pool2d': 1,
      'aten.flatten': 1,
      'onednn.qlinear_pointwise': 1,
    });
    expect(report.passes).toContainEqual({ pass: 'fuse-unary', count: 17 });
  });

  test('ResNet-18 in float is fused alike', () => {
    const original = captured('resnet18');
    const { module } = lower(original);
    expect(census(module)).toEqual({
      'mkldnn._convolution_pointwise': 12,
      'mkldnn._convolution_pointwise.binary': 8,
      'aten.max_pool2d': 1,
      'aten.adaptive_avg_pool2d': 1,
      'aten.flatten': 1,
      'mkldnn._linear_pointwise': 1,
    });
    const [expected, actual] = [interpret(original, image)[0], interpret(module, image)[0]];
    // Logits up to 4; batch norms folded into weights change the last bits of 20 layers.
    expect(greatestDifference(expected, actual)).toBeLessThan(1e-4);
  });

  test("SqueezeNet's concatenations and pools run on 8-bit integers", async () => {
    const { module } = lower(await quantize(captured('squeezenet1_1'), image), { strict: true });
    expect(census(module)).toEqual({
      quantize_per_tensor: 1,
      'onednn.qconv2d_pointwise': 26,
      'aten.max_pool2d': 3,
      'aten.cat': 8,
      'aten.adaptive_avg_pool2d': 1,
      'aten.flatten': 1,
      dequantize_per_tensor: 1,
    });
  });

  test("MobileNetV3's gates: what the recipe leaves in float is one step, and rounded where it is averaged", async () => {
    const { module } = lower(await quantize(captured('mobilenet_v3_small'), image), { strict: true });
    expect(census(module)).toMatchObject({
      // The input's.
      quantize_per_tensor: 1,
      'octavo.binary': 9,
      'onednn.qconv2d_pointwise.binary': 6,
      // Squeeze-and-excitation multiplies the float value that its average takes quantized.
      'octavo.quantized_average': 9,
      'aten.adaptive_avg_pool2d': 1,
    });
    expect(census(module)).not.toHaveProperty('dequantize_per_tensor');
  });
});
