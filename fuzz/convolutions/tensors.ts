import { bfloat16ToFloat, type DType, floatToBfloat16, Tensor } from '../../lib/index.ts';
import { Random } from '../random.ts';
import { type Distribution, type Layer, type LayerProblem, outputImage } from './problem.ts';

/** The tensors of a problem. Scales and bias are of the outputs' channels. */
export interface LayerTensors {
  readonly x: Tensor;
  readonly weight: Tensor;
  readonly scales: Tensor;
  readonly bias?: Tensor;
  readonly addend?: Tensor;
}

/** Shapes as the layer's operator has them. */
export function shapesOf(layer: Layer) {
  const { operator, batch, channels, outputs, groups, image, kernel } = layer;
  // A layer without height drops it from every shape.
  const pixels = (pair: readonly number[]) =>
    operator === 'linear' ? [] : pair.slice(operator === 'convolution1d' ? 1 : 0);
  return {
    x: [batch, channels, ...pixels(image)],
    weight: [outputs, channels / groups, ...pixels(kernel)],
    y: [batch, outputs, ...pixels(outputImage(layer))],
  };
}

/** Draws the tensors: the same ones whenever it is called. */
export function tensorsOf(problem: LayerProblem): LayerTensors {
  // Not the numbers that the problem itself was drawn with.
  const random = new Random(~problem.seed);
  const { variant, layer, x, weight, bias, addend } = problem;
  const shapes = shapesOf(layer);
  const scaleCount = weight.scales === 'one' ? 1 : layer.outputs;
  return {
    x: draw(random, x.dtype, shapes.x, x.distribution),
    weight: draw(random, variant, shapes.weight, weight.distribution),
    scales: Tensor.from(
      'float32',
      Array.from({ length: scaleCount }, () => random.uniform(0.002, 0.012)),
    ),
    ...(bias ? { bias: draw(random, 'float32', [layer.outputs]) } : {}),
    ...(addend ? { addend: draw(random, addend.dtype, shapes.y) } : {}),
  };
}

/** Floating-point values are in [-1, 1). */
function draw(
  random: Random,
  dtype: DType,
  shape: readonly number[],
  distribution: Distribution = 'even',
): Tensor {
  const tensor = Tensor.zeros(dtype, shape);
  const data = tensor.data as Exclude<Tensor['data'], BigInt64Array>;
  if (dtype === 'float32') for (let i = 0; i < data.length; i++) data[i] = random.uniform(-1, 1);
  else if (dtype === 'bfloat16') {
    const values = Float32Array.from({ length: data.length }, () => random.uniform(-1, 1));
    return new Tensor(dtype, floatToBfloat16(values), shape);
  } else fillIntegers(random, data, dtype === 'uint8' ? [0, 255] : [-128, 127], distribution);
  return tensor;
}

function fillIntegers(
  random: Random,
  data: Exclude<Tensor['data'], BigInt64Array>,
  [low, high]: readonly [number, number],
  distribution: Distribution,
): void {
  if (distribution === 'largest') data.fill(high);
  else if (distribution === 'sparse')
    for (let i = 0; i < 3; i++) data[random.integer(0, data.length - 1)] = high;
  else if (distribution === 'ends')
    for (let i = 0; i < data.length; i++) data[i] = random.chance(0.6) ? high : low;
  else for (let i = 0; i < data.length; i++) data[i] = random.integer(low, high);
}

/** Elements as exact numbers; bfloat16 decoded. */
export function numbersOf({ dtype, data }: Tensor): Float64Array {
  return Float64Array.from(
    dtype === 'bfloat16' ? bfloat16ToFloat(data as Uint16Array) : (data as Float32Array),
  );
}
