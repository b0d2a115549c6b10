import { Node } from '../graph/index.ts';
import { integerRange } from '../tensor/index.ts';
import { type EdgeOrNode, placeKey } from './edge-or-node.ts';
import {
  type DeriveQparams,
  type ObserverOrFakeQuantizeConstructor,
  type PartialObserver,
  partialObserver,
} from './observers/index.ts';
import { checkChannelAxis, isPerChannel, type QScheme, qschemes } from './qscheme.ts';
import { checkQuantRange, isQuantizedDType, type QuantizedDType, type SpecDType } from './quantized-dtype.ts';

/** How to quantize one tensor. Annotations consist of these (counterpart: `QuantizationSpecBase`). */
export type QuantizationSpecBase =
  | QuantizationSpec
  | FixedQParamsQuantizationSpec
  | SharedQuantizationSpec
  | DerivedQuantizationSpec;

/** Arguments of {@link QuantizationSpec}. */
export interface QuantizationSpecArgs {
  readonly dtype: SpecDType;
  /**
   * An observer or fake quantize class, or one with bound arguments: `HistogramObserver.withArgs({ eps: 2 ** -12 })`.
   */
  readonly observerOrFakeQuantCtr: ObserverOrFakeQuantizeConstructor;
  readonly quantMin?: number;
  readonly quantMax?: number;
  readonly qscheme?: QScheme;
  /** The channel axis of per-channel schemes. */
  readonly chAxis?: number;
  /** Whether parameters are computed from each tensor at run time. */
  readonly isDynamic?: boolean;
}

/**
 * Parameters come from observing the tensor (counterpart: `torch.ao.quantization.quantizer.QuantizationSpec`).
 * @throws Error when the range is out of order, incomplete or outside the dtype, the axis negative, the scheme unknown,
 * the dtype not a quantized one, a range with floating point zero points does not begin with 0, or a dynamic specification
 * is not 8 bits per tensor.
 */
export class QuantizationSpec {
  readonly dtype: SpecDType;
  readonly observerOrFakeQuantCtr: PartialObserver;
  readonly quantMin: number | undefined;
  readonly quantMax: number | undefined;
  readonly qscheme: QScheme | undefined;
  readonly chAxis: number | undefined;
  readonly isDynamic: boolean;

  constructor(args: QuantizationSpecArgs) {
    checkDType(args.dtype, 'QuantizationSpec');
    checkQuantRange(args.dtype, args.quantMin, args.quantMax, 'QuantizationSpec');
    checkQScheme(args.qscheme, 'QuantizationSpec');
    checkChannelAxis(args.chAxis, 'QuantizationSpec');
    checkBeginning(args);
    if (args.isDynamic) checkDynamic(args);
    this.dtype = args.dtype;
    this.observerOrFakeQuantCtr = partialObserver(
      args.observerOrFakeQuantCtr,
      'QuantizationSpec: observerOrFakeQuantCtr',
    );
    this.quantMin = args.quantMin;
    this.quantMax = args.quantMax;
    this.qscheme = args.qscheme;
    this.chAxis = args.chAxis;
    this.isDynamic = args.isDynamic ?? false;
  }
}

/** Arguments of {@link FixedQParamsQuantizationSpec}. */
export interface FixedQParamsQuantizationSpecArgs {
  readonly dtype: QuantizedDType;
  readonly scale: number;
  readonly zeroPoint: number;
  readonly quantMin?: number;
  readonly quantMax?: number;
  readonly qscheme?: QScheme;
}

/**
 * Parameters are known in advance (counterpart: `FixedQParamsQuantizationSpec`).
 * @throws Error when the scale is not positive and finite, or the zero point or range does not fit the dtype.
 */
export class FixedQParamsQuantizationSpec {
  readonly dtype: QuantizedDType;
  readonly scale: number;
  readonly zeroPoint: number;
  readonly quantMin: number | undefined;
  readonly quantMax: number | undefined;
  readonly qscheme: QScheme | undefined;
  readonly isDynamic = false;

  constructor(args: FixedQParamsQuantizationSpecArgs) {
    const what = 'FixedQParamsQuantizationSpec';
    if (!isQuantizedDType(args.dtype)) throw new Error(`${what}: dtype ${args.dtype} is not an integer type`);
    checkQuantRange(args.dtype, args.quantMin, args.quantMax, what);
    if (!(args.scale > 0) || !Number.isFinite(args.scale))
      throw new Error(`${what}: scale must be positive and finite, got ${args.scale}`);
    checkQuantRange(args.dtype, args.zeroPoint, args.zeroPoint, `${what}: zeroPoint`);
    const { quantMin = args.zeroPoint, quantMax = args.zeroPoint } = args;
    if (args.zeroPoint < quantMin || args.zeroPoint > quantMax)
      throw new Error(`${what}: zeroPoint ${args.zeroPoint} is outside [${quantMin}, ${quantMax}]`);
    checkQScheme(args.qscheme, what);
    if (args.qscheme !== undefined && isPerChannel(args.qscheme))
      throw new Error(`${what}: qscheme must be per tensor, got ${args.qscheme}`);
    this.dtype = args.dtype;
    this.scale = args.scale;
    this.zeroPoint = args.zeroPoint;
    this.quantMin = args.quantMin;
    this.quantMax = args.quantMax;
    this.qscheme = args.qscheme;
  }
}

/** Parameters are those of another place: both use one observer (counterpart: `SharedQuantizationSpec`). */
export class SharedQuantizationSpec {
  readonly edgeOrNode: EdgeOrNode;

  /** @throws Error when the argument is neither a node nor a pair of nodes. */
  constructor(edgeOrNode: EdgeOrNode) {
    checkPlace(edgeOrNode, 'SharedQuantizationSpec');
    this.edgeOrNode = edgeOrNode;
  }

  toString(): string {
    return `SharedQuantizationSpec(${placeKey(this.edgeOrNode)})`;
  }
}

/** Arguments of {@link DerivedQuantizationSpec}. */
export interface DerivedQuantizationSpecArgs {
  /** Places whose observers the function receives, in this order. */
  readonly derivedFrom: readonly EdgeOrNode[];
  readonly deriveQparamsFn: DeriveQparams;
  readonly dtype: QuantizedDType;
  readonly quantMin?: number;
  readonly quantMax?: number;
  readonly qscheme?: QScheme;
  readonly chAxis?: number;
}

/**
 * Parameters are computed from those of other places (counterpart: `DerivedQuantizationSpec`).
 * @throws Error when `derivedFrom` is empty or the function is missing, when the range does not fit the dtype, or when
 * a per-channel scheme lacks its axis.
 */
export class DerivedQuantizationSpec {
  readonly derivedFrom: readonly EdgeOrNode[];
  readonly deriveQparamsFn: DeriveQparams;
  readonly dtype: QuantizedDType;
  readonly quantMin: number | undefined;
  readonly quantMax: number | undefined;
  readonly qscheme: QScheme | undefined;
  readonly chAxis: number | undefined;
  readonly isDynamic = false;

  constructor(args: DerivedQuantizationSpecArgs) {
    const what = 'DerivedQuantizationSpec';
    if (!isQuantizedDType(args.dtype)) throw new Error(`${what}: dtype ${args.dtype} is not an integer type`);
    checkQuantRange(args.dtype, args.quantMin, args.quantMax, what);
    checkChannelAxis(args.chAxis, what);
    if (args.derivedFrom.length === 0) throw new Error(`${what}: derivedFrom is empty`);
    for (const place of args.derivedFrom) checkPlace(place, what);
    if (typeof args.deriveQparamsFn !== 'function')
      throw new Error(`${what}: deriveQparamsFn must be a function`);
    checkQScheme(args.qscheme, what);
    if (args.qscheme !== undefined && isPerChannel(args.qscheme) && args.chAxis === undefined)
      throw new Error(`${what}: ${args.qscheme} needs a chAxis`);
    this.derivedFrom = [...args.derivedFrom];
    this.deriveQparamsFn = args.deriveQparamsFn;
    this.dtype = args.dtype;
    this.quantMin = args.quantMin;
    this.quantMax = args.quantMax;
    this.qscheme = args.qscheme;
    this.chAxis = args.chAxis;
  }
}

function checkDType(dtype: SpecDType, what: string): void {
  if (!isQuantizedDType(dtype) && !['float16', 'bfloat16', 'float32'].includes(dtype))
    throw new Error(`${what}: '${String(dtype)}' is not a dtype tensors are quantized to`);
}

function checkQScheme(qscheme: QScheme | undefined, what: string): void {
  if (qscheme !== undefined && !qschemes.includes(qscheme))
    throw new Error(`${what}: '${String(qscheme)}' is no qscheme; they are ${qschemes.join(', ')}`);
}

/** Zero points that are real numbers say which integer, counted from 0, stands for zero: PyTorch clips what is below. */
function checkBeginning({ dtype, qscheme, quantMin }: QuantizationSpecArgs): void {
  const first = quantMin ?? integerRange(dtype)?.min;
  if (qscheme === 'per_channel_affine_float_qparams' && first !== undefined && first !== 0)
    throw new Error(
      `QuantizationSpec: the range of ${qscheme} must begin with 0, got ${dtype} from ${first}; use uint8, or per_channel_affine`,
    );
}

/** The operators that choose parameters at run time do so per tensor, for 8 bits. */
function checkDynamic({ dtype, qscheme }: QuantizationSpecArgs): void {
  if (dtype !== 'uint8' && dtype !== 'int8')
    throw new Error(`QuantizationSpec: only uint8 and int8 can be dynamic, got ${dtype}`);
  if (qscheme !== undefined && isPerChannel(qscheme))
    throw new Error(`QuantizationSpec: dynamic quantization is per tensor, got qscheme ${qscheme}`);
}

function checkPlace(place: EdgeOrNode, what: string): void {
  const isEdge = Array.isArray(place) && place.length === 2 && place.every((node) => node instanceof Node);
  if (!(place instanceof Node) && !isEdge)
    throw new Error(`${what}: a node or a pair of producer and user expected, got ${String(place)}`);
}
