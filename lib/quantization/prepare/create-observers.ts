import type { EdgeOrNode } from '../edge-or-node.ts';
import { placeKey } from '../edge-or-node.ts';
import { EdgeOrNodeMap } from '../edge-or-node-map.ts';
import { FixedQParamsFakeQuantize } from '../fake-quantize/fixed-qparams.ts';
import { DerivedObserver, FixedQParamsObserver, type ObserverOrFakeQuantize } from '../observers/index.ts';
import { DerivedQuantizationSpec, FixedQParamsQuantizationSpec, QuantizationSpec } from '../specs.ts';
import type { RootSpec, SharingGroup } from './sharing.ts';

/** The observer of every place; null where the place stays in floating point. */
export type Observers = EdgeOrNodeMap<ObserverOrFakeQuantize | null>;

/**
 * Makes one observer for each sharing group (counterpart: `_get_obs_or_fq_map`). Groups whose parameters are derived
 * come last: they are given the observers they derive from.
 * @param isQat whether tensors with fixed parameters are rounded by them, for training.
 * @throws Error that names the place when a derived specification refers to one without an observer.
 */
export function createObservers(groups: readonly SharingGroup[], isQat: boolean): Observers {
  const observers: Observers = new EdgeOrNodeMap();
  const isDerived = ({ spec }: SharingGroup) => spec instanceof DerivedQuantizationSpec;
  for (const group of [...groups.filter((g) => !isDerived(g)), ...groups.filter(isDerived)]) {
    const observer = group.spec && createObserver(group.spec, group.places[0], observers, isQat);
    for (const place of group.places) observers.set(place, observer);
  }
  return observers;
}

function createObserver(
  spec: RootSpec,
  place: EdgeOrNode,
  made: Observers,
  isQat: boolean,
): ObserverOrFakeQuantize {
  if (spec instanceof QuantizationSpec) {
    const { observerOrFakeQuantCtr, ...args } = spec;
    return observerOrFakeQuantCtr.withArgs(given(args)).create();
  }
  if (spec instanceof FixedQParamsQuantizationSpec) {
    const { isDynamic: _, ...args } = spec;
    return isQat ? new FixedQParamsFakeQuantize(given(args)) : new FixedQParamsObserver(given(args));
  }
  const { derivedFrom, deriveQparamsFn, isDynamic: _, ...args } = spec;
  const observers = derivedFrom.map((source) => {
    const observer = made.get(source);
    if (!observer)
      throw new Error(
        `${placeKey(place)} derives its parameters from ${placeKey(source)}, which has no observer`,
      );
    return observer;
  });
  return new DerivedObserver(given({ ...args, observers, deriveQparams: deriveQparamsFn }));
}

type Given<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** Only what has a value: everything else is the observer's default. */
function given<T extends object>(args: T): Given<T> {
  return Object.fromEntries(Object.entries(args).filter(([, value]) => value !== undefined)) as Given<T>;
}
