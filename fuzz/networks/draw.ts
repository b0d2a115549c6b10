import { Random } from '../random.ts';
import type { Activation, Image, Layer, LayerKind, NetworkProblem } from './problem.ts';

const activations: readonly Activation[] = [
  ...(['relu', 'relu6', 'silu', 'hardswish', 'gelu', 'leakyRelu', 'sigmoid', 'tanh', 'hardsigmoid'] as const),
];
/** Larger ones take longer and show nothing new. */
const mostChannels = 96;
const mostElements = 6000;

/** The problem of a seed. */
export function drawNetwork(seed: number): NetworkProblem {
  const random = new Random(seed);
  const height = random.pick([6, 7, 8, 9, 12, 13, 16]);
  const width = random.chance(0.7) ? height : random.pick([5, 8, 10, 15]);
  const input: Image = [random.pick([1, 3, 4, 8, 16]), height, width];
  const body = new Body(random, input);
  for (let n = random.integer(3, 11); n > 0; n--) body.grow();
  const [channels, h, w] = body.images.at(-1)!;
  const average = random.chance(0.7);
  return {
    seed,
    variant: random.weighted<NetworkProblem['variant']>([
      [6, 'int8'],
      [2, 'float32'],
      [2, 'bfloat16'],
    ]),
    input,
    layers: body.layers,
    head: {
      average,
      features: average ? channels : channels * h * w,
      ...(random.chance(0.35) ? { extra: random.integer(0, body.layers.length) } : {}),
    },
  };
}

/** Layers drawn so far, and the images of all values. */
class Body {
  readonly layers: Layer[] = [];
  readonly images: Image[];
  readonly #random: Random;

  constructor(random: Random, input: Image) {
    this.#random = random;
    this.images = [input];
  }

  /** Adds a layer, or none where what was drawn does not fit. */
  grow(): void {
    const random = this.#random;
    const from = random.chance(0.7) ? this.layers.length : random.integer(0, this.layers.length);
    random.weighted([
      [5, () => this.#convolution(from)],
      [1, () => this.#pool(from)],
      [2, () => this.#combine(from)],
      [1, () => this.#concatenate(from)],
      [1, () => this.#gate(from)],
      [1, () => this.#simple(from, { layer: 'activation', activation: random.pick(activations) })],
      [1, () => this.#inHalves(from)],
      [1, () => this.#pad(from)],
    ])();
  }

  #push(layer: Layer, image: Image): void {
    this.layers.push(layer);
    this.images.push(image);
  }

  /** A layer that keeps the image's extents. */
  #simple(from: number, layer: LayerKind): void {
    this.#push({ from, ...layer }, this.images[from]);
  }

  #activation(probability = 0.65): Activation | undefined {
    return this.#random.chance(probability) ? this.#random.pick(activations) : undefined;
  }

  #convolution(from: number): void {
    const random = this.#random;
    const [channels, ...image] = this.images[from];
    const kernel = random.pick([1, 1, 3, 3, 3, 5, 2]);
    const dilation = random.pick([1, 1, 1, 2]);
    const stride = random.pick([1, 1, 1, 2]);
    const padding = random.pick([Math.floor(((kernel - 1) * dilation) / 2), 0, 1]);
    const extent = (size: number) =>
      Math.floor((size + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
    const { outputs, groups } = this.#outputs(channels);
    const [height, width] = image.map(extent);
    if (Math.min(height, width) < 1 || outputs > 64) return;
    const geometry = { channels, outputs, groups, kernel, stride, padding, dilation };
    const rest = {
      bias: random.chance(0.8),
      batchNorm: random.chance(0.3),
      activation: this.#activation(),
    };
    this.#push({ from, layer: 'convolution', ...geometry, ...rest }, [outputs, height, width]);
  }

  #outputs(channels: number) {
    const random = this.#random;
    const kind = random.pick(['depthwise', 'grouped', 'dense', 'dense', 'dense']);
    if (kind === 'depthwise') return { groups: channels, outputs: channels * random.pick([1, 1, 2]) };
    if (kind === 'grouped' && channels % 2 === 0) {
      const groups = channels % 4 === 0 ? random.pick([2, 4]) : 2;
      return { groups, outputs: groups * random.pick([1, 2, 4, 8]) };
    }
    return { groups: 1, outputs: random.pick([2, 4, 6, 8, 10, 12, 16, 17, 20, 24, 32]) };
  }

  #pool(from: number): void {
    const random = this.#random;
    const [channels, ...image] = this.images[from];
    const kernel = random.pick([2, 3]);
    const padding = kernel === 3 ? random.integer(0, 1) : 0;
    const stride = random.integer(1, 2);
    const [height, width] = image.map((size) => Math.floor((size + 2 * padding - kernel) / stride) + 1);
    if (Math.min(height, width) < 1) return;
    const layer = random.pick(['maxPool2d', 'avgPool2d'] as const);
    this.#push({ from, layer, kernel, stride, padding }, [channels, height, width]);
  }

  /** With another value of these extents; where there is none, the residual addition of a convolution. */
  #combine(from: number): void {
    const random = this.#random;
    const image = this.images[from];
    const others = this.#valuesLike(from, (other) => `${other}` === `${image}`).filter((i) => i !== from);
    if (others.length > 0) {
      const layer = random.pick(['add', 'add', 'mul', 'sub'] as const);
      this.#simple(from, { layer, other: random.pick(others), activation: this.#reluAtTimes(0.4) });
      return;
    }
    const [channels, height, width] = image;
    if (channels * height * width > mostElements) return;
    const groups = random.chance(0.3) ? channels : 1;
    const geometry = { channels, outputs: channels, groups, kernel: 3, stride: 1, padding: 1, dilation: 1 };
    this.#simple(from, { layer: 'convolution', ...geometry, bias: true, batchNorm: random.chance(0.3) });
    this.#simple(from, { layer: 'add', other: this.layers.length, activation: this.#reluAtTimes(0.5) });
  }

  #reluAtTimes(probability: number): Activation | undefined {
    return this.#random.chance(probability) ? 'relu' : undefined;
  }

  #valuesLike(from: number, isLike: (image: Image) => boolean): number[] {
    return this.images.map((image, i) => (i === from || isLike(image) ? i : -1)).filter((i) => i >= 0);
  }

  #concatenate(from: number): void {
    const random = this.#random;
    const [, height, width] = this.images[from];
    const candidates = this.#valuesLike(from, (image) => image[1] === height && image[2] === width);
    const others = Array.from({ length: random.pick([1, 1, 2]) }, () => random.pick(candidates));
    const channels = [from, ...others].reduce((sum, i) => sum + this.images[i][0], 0);
    if (channels <= mostChannels) this.#push({ from, layer: 'cat', others }, [channels, height, width]);
  }

  #gate(from: number): void {
    const middle = this.#random.pick<Activation>(['relu', 'silu']);
    const gate = this.#random.pick<Activation>(['sigmoid', 'hardsigmoid']);
    this.#simple(from, { layer: 'gate', channels: this.images[from][0], middle, gate });
  }

  #inHalves(from: number): void {
    const random = this.#random;
    const image = this.images[from];
    if (image[0] % 2 !== 0) return;
    if (random.chance(0.5)) this.#simple(from, { layer: 'shuffle', image });
    else this.#simple(from, { layer: 'halves', swapped: random.chance(0.5), activation: this.#activation() });
  }

  #pad(from: number): void {
    const amount = () => this.#random.integer(0, 1);
    const [left, right, top, bottom] = [amount(), amount(), amount(), amount()];
    const [channels, height, width] = this.images[from];
    const image = [channels, height + top + bottom, width + left + right] as const;
    this.#push({ from, layer: 'pad', amounts: [left, right, top, bottom] }, image);
  }
}
