// What the tests of quantized operations range over.
import type { QuantizedOptions, UnaryPostOp } from '../../lib/onednn/index.ts';
import { floatToBfloat16, Tensor } from '../../lib/tensor/index.ts';
import { integers } from './reference.ts';

export type Quantized = 'uint8' | 'int8';
export type Output = NonNullable<QuantizedOptions['outputDtype']>;

export const outputs: readonly Output[] = ['uint8', 'int8', 'float32', 'bfloat16'];
/** Every input with every output dtype. */
export const pairs = (['uint8', 'int8'] as const).flatMap((input) =>
  outputs.map((output) => ({ input, output })),
);
export const ranges: Readonly<Record<Quantized, readonly [number, number]>> = {
  uint8: [0, 255],
  int8: [-128, 127],
};

/** A convolution of images, alike in height and width. */
export interface Layer {
  readonly name: string;
  readonly x: readonly number[];
  readonly weight: readonly number[];
  readonly stride?: number;
  readonly padding?: number;
  readonly dilation?: number;
  readonly groups?: number;
}

/** Names of `unaryReference`, without `none`. */
export const unaries = [
  'relu',
  'leaky_relu',
  'hardtanh',
  'hardswish',
  'hardsigmoid',
  'swish',
  'gelu',
  'gelu_tanh',
  'sigmoid',
  'tanh',
];

/** The post-op that `unaryReference` computes under a name. */
export function unaryOf(name: string): UnaryPostOp {
  if (name === 'leaky_relu') return { name, negativeSlope: 0.1 };
  if (name === 'hardtanh') return { name, min: 0, max: 6 };
  if (name === 'gelu_tanh') return { name: 'gelu', approximate: 'tanh' };
  return { name } as UnaryPostOp;
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** A random tensor to add, with quantization parameters where its dtype has them. */
export function randomAddend(dtype: Output, shape: readonly number[], random: () => number) {
  const count = sizeOf(shape);
  if (dtype === 'uint8' || dtype === 'int8')
    return {
      tensor: Tensor.from(dtype, integers(random, count, ...ranges[dtype]), shape),
      scale: Math.fround(0.02 + 0.01 * random()),
      zeroPoint: integers(random, 1, ...ranges[dtype])[0],
    };
  const values = Array.from({ length: count }, () => 6 * random() - 3);
  const tensor =
    dtype === 'float32'
      ? Tensor.from('float32', values, shape)
      : new Tensor('bfloat16', floatToBfloat16(values), shape);
  return { tensor, scale: 1, zeroPoint: 0 };
}
