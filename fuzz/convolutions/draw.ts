import { Random } from '../random.ts';
import { drawLayer } from './layers.ts';
import type { Distribution, Layer, LayerProblem, Quantized, Unary } from './problem.ts';

/** Without parameters, under oneDNN's names; each as often as it stands here. */
const unaries: readonly Unary[] = [
  ...[
    'none',
    'none',
    'none',
    'relu',
    'relu',
    'relu',
    'hardswish',
    'swish',
    'swish',
    'sigmoid',
    'gelu',
    'tanh',
  ],
].map((name) => ({ name, scalars: [] }));
const withParameters: readonly Unary[] = [
  { name: 'hardtanh', scalars: [0, 6] },
  { name: 'leaky_relu', scalars: [0.1] },
];
const plain = unaries.slice(0, 6);

/** The problem of a seed. */
export function drawLayerProblem(seed: number): LayerProblem {
  const random = new Random(seed);
  const layer = drawLayer(random);
  const variant = random.weighted<LayerProblem['variant']>([
    [11, 'int8'],
    [6, 'float32'],
    [3, 'bfloat16'],
  ]);
  const parts = variant === 'int8' ? integerParts(random, layer) : floatParts(random, layer, variant);
  return { seed, variant, layer, bias: random.chance(0.8), ...parts };
}

function integerParts(random: Random, layer: Layer) {
  const x = {
    ...quantized(random, random.pick(['uint8', 'uint8', 'int8']), 0.35),
    distribution: random.weighted<Distribution>([
      [2, 'even'],
      [1, 'ends'],
    ]),
  };
  const weight = {
    scales: random.chance(0.9) ? ('per channel' as const) : ('one' as const),
    distribution: random.pick<Distribution>(['even', 'ends', 'largest', 'sparse']),
  };
  // About a sixtieth of the largest sums that evenly distributed values make: most results are within the range.
  const taps = (layer.channels / layer.groups) * layer.kernel[0] * layer.kernel[1];
  const scale = Math.fround((Math.sqrt(taps) * x.scale * 0.006 * 128 * 74) / 60);
  const y = { ...quantized(random, random.pick(['uint8', 'uint8', 'int8', 'float32']), 0), scale };
  // There is no 1-dimensional convolution with an addend.
  const hasAddend = layer.operator !== 'convolution1d' && random.chance(0.3);
  const addend = hasAddend
    ? { addend: quantized(random, random.pick(['uint8', 'int8', 'float32', y.dtype]), 0.4) }
    : {};
  // PyTorch fuses nothing but relu after an addition.
  const unary = random.pick(hasAddend ? plain : [...unaries, ...withParameters]);
  return { x, weight, y: y.dtype === 'float32' ? exactly('float32') : y, ...addend, unary };
}

function floatParts(random: Random, layer: Layer, dtype: 'float32' | 'bfloat16') {
  const hasAddend = random.chance(0.3);
  const fused =
    hasAddend && layer.operator === 'linear' ? plain.slice(0, 1) : [...unaries, ...withParameters];
  return {
    x: { ...exactly(dtype), distribution: 'even' as const },
    weight: { scales: 'one' as const, distribution: 'even' as const },
    y: exactly(dtype),
    ...(hasAddend ? { addend: exactly(dtype) } : {}),
    unary: random.pick(fused),
  };
}

const exactly = (dtype: Quantized['dtype']): Quantized => ({ dtype, scale: 1, zeroPoint: 0 });

function quantized(random: Random, dtype: Quantized['dtype'], symmetric: number): Quantized {
  if (dtype === 'float32') return exactly(dtype);
  const [low, high] = dtype === 'uint8' ? [0, 255] : [-128, 127];
  return {
    dtype,
    scale: Math.fround(random.uniform(0.01, 0.03)),
    zeroPoint: random.chance(symmetric) ? 0 : random.integer(low, high),
  };
}
