import { addon } from '../native/addon.ts';
import type { Attributes } from '../native/addon-types.ts';
import { arrayTypeOf, type DType, type ForeignTensor, numelOf, Tensor } from '../tensor/index.ts';
import { PackedWeight } from './packed-weight.ts';
import { type UnaryPostOp, unaryAttributes } from './unary.ts';

/** Arguments every quantized operation takes, under PyTorch's names. */
export interface QuantizedOptions {
  /** Scale of `qx`: its real values are `(qx - xZeroPoint) * xScale`. */
  readonly xScale: number;
  /** Zero point of `qx`, in its dtype's range. @defaultValue 0 */
  readonly xZeroPoint?: number;
  /** float32, one number for each output channel. @defaultValue none */
  readonly bias?: Tensor | ForeignTensor | null;
  /** Scale of a uint8 or int8 result. @defaultValue 1 */
  readonly outputScale?: number;
  /** Zero point of a uint8 or int8 result. @defaultValue 0 */
  readonly outputZeroPoint?: number;
  /** @defaultValue the dtype of `qx` */
  readonly outputDtype?: 'uint8' | 'int8' | 'float32' | 'bfloat16';
  /** Pointwise function applied last, before requantization. @defaultValue none */
  readonly unary?: UnaryPostOp;
}

/** A tensor that is added before the pointwise function: `(tensor - zeroPoint) * scale`. */
export interface Addition {
  readonly name: string;
  readonly tensor: Tensor | ForeignTensor;
  readonly scale: number;
  readonly zeroPoint: number;
}

/** One call of a public quantized function. */
export interface QuantizedCall {
  /** The public function's name, for messages. */
  readonly where: string;
  readonly op: 'convolution' | 'linear';
  readonly x: Tensor;
  readonly weight: PackedWeight;
  readonly outputShape: readonly number[];
  readonly geometry: Attributes;
  readonly options: QuantizedOptions;
  readonly addition: Addition | undefined;
}

const outputDtypes: readonly DType[] = ['uint8', 'int8', 'float32', 'bfloat16'];

/**
 * The options of a call.
 * @throws Error when there are none: `xScale` has no default.
 */
export function acceptOptions<T extends QuantizedOptions>(where: string, options: T): T {
  if (typeof options !== 'object' || options === null)
    throw new Error(`${where}: options must be an object that holds xScale, got ${String(options)}`);
  return options;
}

/**
 * The quantized activation of a call.
 * @throws Error when it is no uint8 or int8 tensor of a rank the function takes, or empty.
 */
export function acceptActivation(
  where: string,
  qx: Tensor | ForeignTensor,
  isRank: (rank: number) => boolean,
  layout: string,
): Tensor {
  const x = Tensor.accept(qx, `${where}: qx`);
  if ((x.dtype !== 'uint8' && x.dtype !== 'int8') || !isRank(x.shape.length) || x.numel === 0)
    throw new Error(
      `${where}: qx must be uint8 or int8 ${layout}, not empty; got ${x.dtype} [${x.shape.join(', ')}]`,
    );
  return x;
}

/**
 * The packed weight of a call.
 * @throws Error when it was not packed, or packed for another operation or rank.
 */
export function acceptWeight(
  where: string,
  packed: PackedWeight,
  kind: PackedWeight['kind'],
  rank: number,
): void {
  if (!(packed instanceof PackedWeight))
    throw new Error(
      `${where}: weight must come from ${kind === 'linear' ? 'qlinearPrepack' : 'qconvPrepack'}`,
    );
  if (packed.kind !== kind || packed.shape.length !== rank)
    throw new Error(
      `${where}: weight must be a ${kind}'s of ${rank} dimensions, got a ${packed.kind}'s [${packed.shape.join(', ')}]`,
    );
}

/** Runs a quantized operation now, on the calling thread. What the native step refuses is an Error naming `where`. */
export function runQuantized(call: QuantizedCall): Tensor {
  const { where, op, x, weight, options, addition } = call;
  const { outputDtype = x.dtype, unary = { name: 'none' } } = options;
  if (!outputDtypes.includes(outputDtype))
    throw new Error(`${where}: outputDtype must be one of ${outputDtypes.join(', ')}; got '${outputDtype}'`);
  const parameters = {
    xScale: options.xScale,
    xZeroPoint: options.xZeroPoint ?? 0,
    outputScale: options.outputScale ?? 1,
    outputZeroPoint: options.outputZeroPoint ?? 0,
    ...(addition ? { addScale: addition.scale, addZeroPoint: addition.zeroPoint } : {}),
  };
  for (const [name, value] of Object.entries(parameters))
    if (typeof value !== 'number')
      throw new Error(`${where}: ${name} must be a number, got ${String(value)}`);
  const bias = options.bias ? [Tensor.accept(options.bias, `${where}: bias`)] : [];
  const addend = addition ? [Tensor.accept(addition.tensor, `${where}: ${addition.name}`)] : [];
  const attributes = {
    ...call.geometry,
    ...parameters,
    weightScales: weight.scales,
    hasBias: bias.length > 0,
    ...(addition ? { binary: 'sum' } : {}),
    ...namedIn(where, () => unaryAttributes(unary)),
  };
  const data = new (arrayTypeOf(outputDtype))(numelOf(call.outputShape));
  const output = new Tensor(outputDtype, data, call.outputShape);
  const weightInput = { dtype: 'int8', shape: weight.shape, data: weight.constant } as const;
  addon.execute({ op, node: where, attributes }, [x, weightInput, ...bias, ...addend], [output]);
  return output;
}

/** Runs `body`; its errors name the public function too. */
export function namedIn<T>(where: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
  }
}
