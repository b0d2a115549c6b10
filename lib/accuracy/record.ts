import { JsonCursor } from '../formats/json-cursor.ts';
import { parseJson } from '../formats/parse-json.ts';
import type { ModelMetadata } from '../runtime/index.ts';

const techniques = [
  'quantize',
  'equalization',
  'smooth-quant',
  'activation-range',
  'weight-range',
  'bias-correction',
  'float',
  'int8',
  'bfloat16',
] as const;

/**
 * One thing that was tried.
 *
 * | technique | what |
 * |---|---|
 * | `quantize` | the recipe alone |
 * | `equalization` | {@link crossLayerEqualization} of the float model |
 * | `smooth-quant` | {@link smoothQuant} of the float model |
 * | `activation-range` | another observer for what some layers read: `detail` names it |
 * | `weight-range` | weights clipped where that has less squared error |
 * | `bias-correction` | {@link biasCorrection} |
 * | `float` | some layers back in floating point |
 * | `int8` | layers that were given back, quantized again: whether the target holds without them in float |
 * | `bfloat16` | what is not quantized computes in bfloat16 |
 * @useDeclaredType
 */
export type AccuracyTechnique = (typeof techniques)[number];

/** One attempt of `quantizeWithAccuracyControl`. Plain JSON. */
export interface AccuracyAttempt {
  readonly technique: AccuracyTechnique;
  /** Names of the layers' nodes; empty: the whole model. */
  readonly layers: readonly string[];
  /** Which of several ways: `percentile`. */
  readonly detail: string | null;
  /** How far the outputs are from the float model's on the calibration data: `|y - y'| / |y|` of each sample, on average. */
  readonly outputError: number;
  /** What `evaluate` returned; null if the output error had not become less, so that it was not called. */
  readonly metric: number | null;
  /** Time of one sample relative to the float model's, both measured in turns; null where there is no metric. */
  readonly relativeTime: number | null;
  readonly isKept: boolean;
}

/** Layers that are given back together, because they share quantization parameters, and the harm they do. */
export interface RankedLayers {
  readonly layers: readonly string[];
  /** Their own error: the largest `relativeError` of one of them, given what the float model computes in the place of its inputs. */
  readonly ownError: number;
  /** Output error with these layers alone in floating point; null for those whose own error is too small to be among the tried. */
  readonly outputErrorWithout: number | null;
}

/** Everything that `quantizeWithAccuracyControl` tried, in order, and where it ended. Plain JSON; saved with the model. */
export interface AccuracyControlRecord {
  /** The largest drop allowed, in the metric's unit. */
  readonly maxDrop: number;
  /** Whether `floatMetric - metric` is at most that. */
  readonly isReached: boolean;
  readonly floatMetric: number;
  /** Of the model that was returned. */
  readonly metric: number;
  /** Time of one sample relative to the float model's. */
  readonly relativeTime: number;
  readonly attempts: readonly AccuracyAttempt[];
  /** Which of `attempts` was returned: the last that was kept, or where the target is not reached, the most accurate. */
  readonly returned: number;
  /** By harm; empty if no layer had to be given back. */
  readonly ranking: readonly RankedLayers[];
  /** Names of the layers' nodes that the returned model computes in floating point, out of those that the recipe quantizes. */
  readonly inFloat: readonly string[];
  /** Names of the others that the recipe quantizes. */
  readonly quantized: readonly string[];
}

/** The name under which a model's metadata hold its record. */
export const recordKey = 'octavo.accuracyControl';

/**
 * The record that a model was saved with; undefined if it was not quantized with accuracy control.
 *
 * @example
 * const record = accuracyControlOf((await loadModel('model.octavo')).metadata);
 *
 * @throws Error that names the field when the metadata hold something else under this name.
 */
export function accuracyControlOf(metadata: ModelMetadata): AccuracyControlRecord | undefined {
  const text = metadata[recordKey];
  if (text === undefined) return undefined;
  const root = new JsonCursor(parseJson(text), recordKey);
  const number = (name: string) => root.field(name).float();
  return {
    maxDrop: number('maxDrop'),
    isReached: root.field('isReached').bool(),
    floatMetric: number('floatMetric'),
    metric: number('metric'),
    relativeTime: number('relativeTime'),
    attempts: root.field('attempts').items().map(readAttempt),
    ranking: root.field('ranking').items().map(readRanked),
    returned: number('returned'),
    inFloat: strings(root.field('inFloat')),
    quantized: strings(root.field('quantized')),
  };
}

const strings = (list: JsonCursor) => list.items().map((item) => item.string());
const optionalNumber = (at: JsonCursor, name: string) => at.optionalField(name)?.float() ?? null;

function readAttempt(at: JsonCursor): AccuracyAttempt {
  const name = at.field('technique');
  const technique = techniques.find((each) => each === name.string());
  return {
    technique: technique ?? name.fail(`is not one of ${techniques.join(', ')}`),
    layers: strings(at.field('layers')),
    detail: at.optionalField('detail')?.string() ?? null,
    outputError: at.field('outputError').float(),
    metric: optionalNumber(at, 'metric'),
    relativeTime: optionalNumber(at, 'relativeTime'),
    isKept: at.field('isKept').bool(),
  };
}

const readRanked = (at: JsonCursor): RankedLayers => ({
  layers: strings(at.field('layers')),
  ownError: at.field('ownError').float(),
  outputErrorWithout: optionalNumber(at, 'outputErrorWithout'),
});
