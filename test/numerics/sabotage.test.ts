import { beforeAll, describe, expect, it } from 'vitest';
import type { GraphModule, Node } from '../../lib/graph/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import {
  compareModelOutputs,
  compareModelShadows,
  extractWeights,
  rankLayers,
} from '../../lib/numerics/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { comparedInput, stagesWithHandles } from '../support/numerics.ts';

type Values = Float32Array | Int8Array;

/** Gives a copy of the model another value of one of its parameters. */
function change(
  module: GraphModule,
  parameter: Node,
  edit: (values: Values, channels: number) => void,
): void {
  const tensor = module.attribute(parameter.target).clone();
  edit(tensor.data as Values, tensor.shape[0]);
  module.attributes.set(parameter.target, tensor);
}

const times = (factor: number) => (values: Values) =>
  values.forEach((value, i) => {
    values[i] = factor * value;
  });

function swapChannels(values: Values, channels: number): void {
  const size = values.length / channels;
  const first = values.slice(0, size);
  values.copyWithin(0, size, 2 * size);
  values.set(first as never, size);
}

/** A layer's operands in the quantized model, or in the lowered one. */
interface Operands {
  readonly weight: Node;
  readonly weightScale: Node;
  readonly bias: Node;
}

function operandsOf({ args, target }: Node): Operands {
  if (target.startsWith('onednn.')) {
    const [, , , weight, weightScale, , ...rest] = args as readonly Node[];
    return { weight, weightScale, bias: rest[target.endsWith('.binary') ? 1 : 0] };
  }
  const [, { args: quantized }, bias] = args as readonly Node[];
  const [weight, weightScale] = quantized as readonly Node[];
  return { weight, weightScale, bias };
}

type Sabotage = (module: GraphModule, layer: Node) => void;

const ofParameters: Readonly<Record<string, Sabotage>> = {
  'a weight 50 times too large': (module, layer) => change(module, operandsOf(layer).weightScale, times(50)),
  // All of one output channel, whose weights are scaled together.
  'one channel 50 times too large': (module, layer) =>
    change(module, operandsOf(layer).weightScale, (scales) => {
      scales[0] *= 50;
    }),
  'a bias scaled wrongly': (module, layer) => change(module, operandsOf(layer).bias, times(4)),
  'a huge bias': (module, layer) => change(module, operandsOf(layer).bias, (values) => void values.fill(1e6)),
  // Behind a ReLU nothing is left of it.
  'a hugely negative bias': (module, layer) =>
    change(module, operandsOf(layer).bias, (values) => void values.fill(-1e6)),
  'all of it zero': (module, layer) => {
    change(module, operandsOf(layer).weight, times(0));
    change(module, operandsOf(layer).bias, times(0));
  },
  'two channels swapped': (module, layer) => change(module, operandsOf(layer).weight, swapChannels),
};

/** The layer's input keeps an eighth of its range. */
function clipInput(_: GraphModule, layer: Node): void {
  const quantize = (layer.args[0] as Node).args[0] as Node;
  for (const node of [quantize, ...quantize.users]) {
    const [tensor, scale, ...rest] = node.args;
    node.setArguments([tensor, Number(scale) / 8, ...rest], node.kwargs);
  }
}

describe('one broken layer of glyph_mobilenet', () => {
  let stages: Awaited<ReturnType<typeof stagesWithHandles>>;
  let lowered: GraphModule;
  let input: Tensor;
  beforeAll(async () => {
    stages = await stagesWithHandles('glyph_mobilenet');
    lowered = lower(stages.converted).module;
    const { data } = await comparedInput('glyph_mobilenet');
    input = new Tensor('float32', data.slice(0, 16 * 3072) as Float32Array, [16, 3, 32, 32]);
  });

  /** The names that both manners put first. */
  async function blamed(actual: GraphModule): Promise<string[]> {
    const found = [compareModelOutputs, compareModelShadows].map((compare) =>
      compare(stages.captured, actual, [input]),
    );
    return (await Promise.all(found)).map((each) => rankLayers(each)[0].actualNodeName);
  }

  /** The layers of a model, by what their operators' names begin with. */
  const layersOf = ({ graph }: GraphModule, layer: RegExp) =>
    graph.nodes.filter(({ target }) => layer.test(target)).map(({ name }) => name);

  async function expectFound(module: GraphModule, layer: RegExp, sabotage: Sabotage): Promise<void> {
    const names = layersOf(module, layer);
    // All 17 convolutions, and the linear layer.
    expect(names).toHaveLength(18);
    for (const name of names) {
      const broken = module.clone();
      sabotage(broken, broken.graph.nodes.find((node) => node.name === name)!);
      expect(await blamed(broken)).toEqual([name, name]);
    }
  }

  it.each(Object.entries(ofParameters))(
    '%s: it is the first, whichever it is',
    async (_, sabotage) => {
      await expectFound(stages.converted, /^aten\.(conv2d|linear)/, sabotage);
    },
    120_000,
  );

  it.each(Object.entries(ofParameters))(
    '%s: it is the first, lowered',
    async (_, sabotage) => {
      await expectFound(lowered, /^onednn\.q(conv2d|linear)/, sabotage);
    },
    120_000,
  );

  it('weights that are 50 times too large are the worst weights', () => {
    for (const name of layersOf(stages.converted, /^aten\.(conv2d|linear)/)) {
      const broken = stages.converted.clone();
      const layer = broken.graph.nodes.find((node) => node.name === name)!;
      change(broken, operandsOf(layer).weightScale, times(50));
      const weights = [...extractWeights(stages.captured, broken)].sort(([, a], [, b]) => a.sqnr - b.sqnr);
      expect(weights[0][0]).toBe(name);
      // 50 times the signal is 50/49 times the error.
      expect(weights[0][1].sqnr).toBeCloseTo(20 * Math.log10(50 / 49), 1);
    }
  });

  it('a clipped input: a layer that reads it is the first', async () => {
    for (const name of layersOf(stages.converted, /^aten\.(conv2d|linear)/)) {
      const broken = stages.converted.clone();
      const layer = broken.graph.nodes.find((node) => node.name === name)!;
      clipInput(broken, layer);
      const dequantize = layer.args[0] as Node;
      // What only quantizes the value of a node is that node's: the linear layer's input is the flattened average.
      const owner = dequantize.meta.numericDebugHandle ? [dequantize.name] : [];
      for (const first of await blamed(broken)) expect([name, ...owner]).toContain(first);
    }
  }, 120_000);
});
