import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GraphModule, type Node, SymInt } from '../../lib/graph/index.ts';
import { compile, loadModel } from '../../lib/runtime/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { decodeSafetensors } from '../support/decode-safetensors.ts';
import { GraphBuilder } from '../support/graph-builder.ts';
import { type Layer, type Quantized, ranges, sizeOf } from '../support/layers.ts';
import { convolutionSums, integers, linearSums, seeded } from '../support/reference.ts';

/** Whose packed weights differ: in blocks of channels, a place at a time, of few channels, of groups. */
const layers: readonly Layer[] = [
  { name: '3x3', x: [32, 7, 7], weight: [24, 32, 3, 3], padding: 1 },
  { name: 'odd channels', x: [19, 6, 6], weight: [21, 19, 3, 3], padding: 1 },
  { name: 'pointwise', x: [64, 5, 5], weight: [40, 64, 1, 1] },
  { name: 'stem', x: [3, 16, 16], weight: [16, 3, 7, 7], stride: 2, padding: 3 },
  { name: 'depthwise', x: [32, 8, 8], weight: [32, 1, 3, 3], padding: 1, groups: 32 },
  { name: 'depthwise, odd channels', x: [19, 6, 6], weight: [19, 1, 3, 3], padding: 1, groups: 19 },
  { name: 'groups', x: [32, 6, 6], weight: [32, 8, 3, 3], padding: 1, groups: 4 },
  { name: 'linear', x: [70], weight: [33, 70] },
];
const zeroPoints: Readonly<Record<Quantized, number>> = { uint8: 101, int8: -13 };
const batches = [1, 3, 2];
const batch = new SymInt(['s0']);
const square = (value: number) => [value, value];

/** Quantizes by a scale of 1, and gives the layer's sums as they are. */
function network(layer: Layer, dtype: Quantized, weight: readonly number[]): GraphModule {
  const b = new GraphBuilder();
  const x = b.input('x', [batch, ...layer.x]);
  const zeroPoint = zeroPoints[dtype];
  const [channels] = layer.weight;
  const qx = b.call(
    'quantized_decomposed.quantize_per_tensor.default',
    x,
    1,
    zeroPoint,
    ...ranges[dtype],
    dtype,
  );
  const given: readonly [Node, number, number, ...Node[]] = [
    qx,
    1,
    zeroPoint,
    b.constant('w', Tensor.from('int8', weight, layer.weight)),
    b.constant('scale', Tensor.from('float32', Array(channels).fill(1))),
    b.constant('zero_point', Tensor.zeros('int64', [channels])),
  ];
  if (layer.x.length === 1)
    return b.finish(
      b.call('onednn.qlinear_pointwise.default', ...given, null, 1, 0, 'float32', 'none', [], ''),
    );
  const geometry = [square(layer.stride ?? 1), square(layer.padding ?? 0), square(1), layer.groups ?? 1];
  const fused = [1, 0, 'float32', 'none', [], ''] as const;
  return b.finish(b.call('onednn.qconv2d_pointwise.default', ...given, null, ...geometry, ...fused));
}

function sumsOf(layer: Layer, size: number, values: readonly number[], weight: readonly number[]): number[] {
  if (layer.x.length === 1) return [...linearSums(values, 0, weight, layer.weight)];
  const { sums } = convolutionSums({
    x: values,
    xShape: [size, ...layer.x],
    xZeroPoint: 0,
    weight,
    weightShape: layer.weight,
    stride: square(layer.stride ?? 1),
    padding: square(layer.padding ?? 0),
    paddingEnd: square(layer.padding ?? 0),
    dilation: square(1),
    groups: layer.groups ?? 1,
  });
  return [...sums];
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-packed-'));
});
afterAll(() => rm(folder, { recursive: true }));

const kinds = layers.flatMap((layer) =>
  (['uint8', 'int8'] as const).map((dtype) => [`${layer.name} of ${dtype}`, layer, dtype] as const),
);

describe('a layer of integers', () => {
  it.each(kinds)('%s gives exact sums with the packed weights of its file', async (_, layer, dtype) => {
    const random = seeded(1);
    const weight = integers(random, sizeOf(layer.weight), -127, 127);
    const path = join(folder, 'layer');
    {
      using model = compile(network(layer, dtype, weight));
      await model.warmup(...batches.map((size) => [size, ...layer.x]));
      await model.save(path, { packedWeights: true });
    }
    using loaded = await loadModel(path);
    const [low, high] = ranges[dtype].map((bound) => bound - zeroPoints[dtype]);
    for (const size of batches) {
      const values = integers(random, size * sizeOf(layer.x), low, high);
      const [y] = Object.values(await loaded.run(Tensor.from('float32', values, [size, ...layer.x])));
      // Sums below 2^24 are whole numbers in float32, too.
      expect(y.toArray()).toEqual(sumsOf(layer, size, values, weight));
      const { packedBytes, packedBytesFromFile } = loaded.plan([size, ...layer.x]).memory;
      expect(packedBytesFromFile).toBe(packedBytes);
    }
    const { packed } = decodeSafetensors(await readFile(path), path).metadata;
    expect(JSON.parse(packed).forms.length).toBeGreaterThan(0);
  });
});
