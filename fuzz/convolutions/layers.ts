import type { Random } from '../random.ts';
import { type Layer, multiplyAdds, outputImage } from './problem.ts';

/** Numbers of channels: multiples of what vectors hold, those next to them, and small ones. */
const channelCounts = [
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 20, 24, 31, 32, 33, 40, 48, 63, 64, 65, 72, 80, 96, 100],
  ...[112, 127, 128, 129, 144, 160, 192, 256],
];
/** So that one problem costs milliseconds: the reference needs some two nanoseconds for each. */
const mostMultiplyAdds = 6e6;

type Pair = [number, number];
const both = (draw: () => number): Pair => [draw(), draw()];
const ones: Pair = [1, 1];

/** Any layer as networks have them, and many that they do not have. */
function ordinary(random: Random): Layer {
  const kernel = both(() => random.pick([1, 1, 2, 3, 3, 3, 4, 5, 7]));
  return {
    operator: 'convolution2d',
    batch: random.pick([1, 1, 2, 3, 4, 5]),
    ...anyChannels(random),
    image: [
      random.pick([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 17, 28]),
      random.pick([1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 27, 28, 31, 33, 56, 130]),
    ],
    kernel,
    stride: both(() => random.pick([1, 1, 1, 2, 2, 3, 4])),
    padding: [random.integer(0, kernel[0]), random.integer(0, kernel[1])],
    dilation: both(() => random.pick([1, 1, 1, 1, 2, 3])),
  };
}

function anyChannels(random: Random) {
  const any = () => random.pick(channelCounts);
  const aGroup = () => random.pick([1, 2, 3, 4, 8, 16, 17]);
  const groups = random.weighted([
    [1, any],
    [1, () => random.pick([2, 3, 4, 8])],
    [2, () => 1],
  ])();
  if (groups === 1) return { channels: any(), outputs: any(), groups };
  if (groups <= 8 && random.chance(0.5))
    return { channels: groups * aGroup(), outputs: groups * aGroup(), groups };
  return { channels: groups, outputs: groups * (random.chance(0.2) ? 2 : 1), groups };
}

function oneDimensional(random: Random): Layer {
  const layer = ordinary(random);
  const width = random.pick([1, 2, 3, 4, 5, 7, 9]);
  const last = (pair: readonly [number, number]): Pair => [1, pair[1]];
  return {
    ...layer,
    operator: 'convolution1d',
    image: last(layer.image),
    kernel: [1, width],
    stride: last(layer.stride),
    padding: [0, random.integer(0, width)],
    dilation: last(layer.dilation),
  };
}

function linear(random: Random): Layer {
  const one = { image: ones, kernel: ones, stride: ones, padding: [0, 0], dilation: ones } as const;
  return {
    operator: 'linear',
    batch: random.pick([1, 1, 2, 3, 65, 200]),
    channels: random.pick([...channelCounts, 300, 512, 777]),
    outputs: random.pick(channelCounts),
    groups: 1,
    ...one,
  };
}

/** Kernels as large as the image or larger, dilated too, with padding to match; few channels, often in groups. */
function largeKernel(random: Random): Layer {
  const kernel = both(() => random.integer(1, 13));
  const dilation = both(() => random.pick([1, 1, 1, 1, 2, 3]));
  const padding = (i: 0 | 1) => random.integer(0, Math.min(kernel[i] * dilation[i], 12) - 1);
  const groups = random.chance(0.25) ? random.pick([2, 4, 16, 32]) : 1;
  const channels =
    groups === 1
      ? {
          channels: random.pick([1, 2, 3, 4, 7, 8, 16, 17, 32]),
          outputs: random.pick([4, 8, 16, 24, 32, 48, 64, 65, 80, 96, 128]),
        }
      : { channels: groups * random.pick([1, 1, 2, 4, 17]), outputs: groups * random.pick([1, 1, 2, 3, 16]) };
  return {
    operator: 'convolution2d',
    batch: random.pick([1, 1, 2, 3]),
    ...channels,
    groups,
    image: [random.integer(1, 15), random.integer(1, 16)],
    kernel,
    stride: both(() => random.pick([1, 1, 1, 2, 2, 3, 4])),
    padding: [padding(0), padding(1)],
    dilation,
  };
}

/** Rows that lie far apart, or tall kernels, with rows of padding above and below: segmentation networks have such layers. */
function dilatedRows(random: Random): Layer {
  const size = random.integer(5, 17);
  const kernel = random.pick<Pair>([
    [3, 3],
    [3, 3],
    [3, 3],
    [5, 5],
    [7, 7],
    [5, 3],
    [7, 4],
    [4, 3],
    [3, 1],
  ]);
  const step = random.pick([1, 2, 4, 6, 8]);
  const same = (i: 0 | 1) => Math.floor((step * (kernel[i] - 1)) / 2);
  const depthwise = random.chance(0.15);
  const channels = random.pick([8, 8, 16, 17, 24, 32, 64, 256]);
  return {
    operator: 'convolution2d',
    batch: random.pick([1, 1, 2]),
    channels,
    outputs: depthwise ? channels : random.pick([8, 16, 17, 32, 64]),
    groups: depthwise ? channels : 1,
    image: [size, random.chance(0.7) ? size : random.integer(5, 17)],
    kernel,
    stride: ones,
    padding: [Math.max(same(0), random.pick([0, 0, 4, 5])), same(1)],
    dilation: [step, random.chance(0.8) ? step : 1],
  };
}

/** Depthwise layers of mobile networks, under numbers of channels that do and do not fill vectors. */
function depthwise(random: Random): Layer {
  const channels = random.pick(channelCounts);
  const kernel = random.pick<Pair>([
    [3, 3],
    [3, 3],
    [5, 5],
    [7, 7],
    [4, 2],
    [2, 4],
    [4, 4],
    [1, 3],
    [6, 1],
  ]);
  return {
    operator: 'convolution2d',
    batch: random.pick([1, 1, 2, 4]),
    channels,
    outputs: channels,
    groups: channels,
    image: both(() => random.integer(4, 16)),
    kernel,
    stride: random.pick<Pair>([ones, ones, [2, 2], [1, 2]]),
    padding: [random.integer(0, kernel[0] >> 1), random.integer(0, kernel[1] >> 1)],
    dilation: random.pick<Pair>([ones, ones, ones, [2, 2]]),
  };
}

/** Few channels in each of several groups. */
function fewInGroups(random: Random): Layer {
  const groups = random.pick([2, 2, 3, 4, 4, 8]);
  const size = random.integer(1, 5);
  return {
    operator: 'convolution2d',
    batch: random.pick([1, 1, 2, 4]),
    channels: groups * random.pick([1, 2, 4, 8, 12, 16]),
    outputs: groups * random.pick([1, 2, 4, 8, 12, 16]),
    groups,
    image: both(() => random.integer(5, 16)),
    kernel: random.pick<Pair>([
      [3, 3],
      [3, 3],
      [1, 1],
      [size, 3],
    ]),
    stride: random.pick<Pair>([ones, ones, [2, 2]]),
    padding: random.pick<Pair>([ones, ones, [0, 0]]),
    dilation: ones,
  };
}

/** A layer that has an output and stays below {@link mostMultiplyAdds}. */
export function drawLayer(random: Random): Layer {
  const family = random.weighted([
    [40, ordinary],
    [8, oneDimensional],
    [12, linear],
    [15, largeKernel],
    [10, dilatedRows],
    [8, depthwise],
    [7, fewInGroups],
  ]);
  for (;;) {
    const layer = family(random);
    if (Math.min(...outputImage(layer)) >= 1 && multiplyAdds(layer) <= mostMultiplyAdds) return layer;
  }
}
