import type { DTypeConfig, DTypeWithConstraints } from '../backend/index.ts';
import { FakeQuantizeBase } from '../quantization/fake-quantize/base.ts';
import {
  FixedQParamsFakeQuantize,
  FixedQParamsObserver,
  type ObserverOrFakeQuantize,
  type QConfig,
} from '../quantization/index.ts';
import { argumentsOf } from './arguments.ts';
import type { Match } from './matches.ts';

/** What a backend quantizes of a pattern by a QConfig. */
export interface Support {
  readonly activations: boolean;
  readonly weights: boolean;
  /** What the QConfig does not satisfy, where that is all that is missing. */
  readonly broken?: string;
}

/**
 * Whether a backend quantizes a pattern to the dtypes of its QConfig (counterpart:
 * `_is_pattern_dtype_config_and_qconfig_supported_by_backend`). As in PyTorch, a module whose weight has another dtype is still observed.
 */
export function supportOf({ config, nodes, calls }: Match, qconfig: QConfig): Support {
  const activation = qconfig.activation.create();
  const weight = argumentsOf(nodes[0], calls[0]).weights.length > 0 ? qconfig.weight.create() : null;
  const fitting = config.dtypeConfigs.filter((dtypes) => takesActivations(dtypes, activation));
  const broken = fitting.map((dtypes) => brokenBy(activation, weight, dtypes));
  const taken = fitting.filter((_, i) => broken[i] === undefined);
  const takesWeight = taken.some(
    ({ weightDtype }) => weightDtype === undefined || weightDtype === weight?.dtype,
  );
  if (taken.length > 0 && (weight === null || takesWeight || calls[0].isModule))
    return { activations: true, weights: weight !== null && takesWeight && weight.dtype !== 'float32' };
  const reason = broken.find((each) => each !== undefined);
  return { activations: false, weights: false, ...(reason === undefined ? {} : { broken: reason }) };
}

/** One observer serves inputs and results. If it is dynamic, results stay in floating point. */
function takesActivations(dtypes: DTypeConfig, { dtype, isDynamic }: ObserverOrFakeQuantize): boolean {
  const { inputDtype = dtype, outputDtype } = dtypes;
  const result = isDynamic ? 'float32' : dtype;
  return (
    inputDtype === dtype &&
    dtypes.isDynamic === isDynamic &&
    (outputDtype === undefined || outputDtype === result)
  );
}

function brokenBy(
  activation: ObserverOrFakeQuantize,
  weight: ObserverOrFakeQuantize | null,
  { inputDtypeWithConstraints, outputDtypeWithConstraints, weightDtypeWithConstraints }: DTypeConfig,
): string | undefined {
  return (
    brokenConstraint(activation, inputDtypeWithConstraints, 'activation') ??
    brokenConstraint(activation, outputDtypeWithConstraints, 'activation') ??
    (weight ? brokenConstraint(weight, weightDtypeWithConstraints, 'weight') : undefined)
  );
}

/** What an observer does not satisfy; undefined if it satisfies all, or is of another dtype (counterpart: `_qconfig_satisfies_dtype_config_constraints`). */
function brokenConstraint(
  observer: ObserverOrFakeQuantize,
  constraints: DTypeWithConstraints,
  what: string,
): string | undefined {
  if (observer.dtype !== constraints.dtype) return undefined;
  const { quantMinLowerBound: low, quantMaxUpperBound: high, scaleMinLowerBound: smallest } = constraints;
  const { quantMin, quantMax } = observer;
  if (low !== undefined && high !== undefined) {
    if (quantMin === undefined || quantMax === undefined)
      return `its ${what} has no quantMin and quantMax, which the backend limits to [${low}, ${high}]`;
    if (quantMin < low || quantMax > high)
      return `its ${what} has the range [${quantMin}, ${quantMax}], the backend [${low}, ${high}]`;
  }
  const eps = observer instanceof FakeQuantizeBase ? observer.activationPostProcess.eps : observer.eps;
  if (smallest !== undefined && (eps === undefined || eps < smallest))
    return `its ${what} has the smallest scale (eps) ${eps}, the backend ${smallest}`;
  return brokenFixedParameters(observer, constraints, what);
}

function brokenFixedParameters(
  observer: ObserverOrFakeQuantize,
  { scaleExactMatch, zeroPointExactMatch }: DTypeWithConstraints,
  what: string,
): string | undefined {
  if (scaleExactMatch === undefined || zeroPointExactMatch === undefined) return undefined;
  if (!(observer instanceof FixedQParamsObserver || observer instanceof FixedQParamsFakeQuantize))
    return (
      `its ${what} must be a FixedQParamsObserver where the range is known, as of a sigmoid; take ` +
      'getDefaultQconfigMapping() or getDefaultQatQconfigMapping()'
    );
  const { scale, zeroPoint } = observer.calculateQparams();
  if (scale.item() === scaleExactMatch && zeroPoint.item() === zeroPointExactMatch) return undefined;
  return (
    `its ${what} has the scale ${scale.item()} and the zero point ${zeroPoint.item()}, ` +
    `the backend ${scaleExactMatch} and ${zeroPointExactMatch}`
  );
}
