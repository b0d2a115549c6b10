import { GraphModule } from '../../graph/index.ts';
import { FakeQuantizeBase } from './base.ts';
import { LearnableFakeQuantize } from './learnable.ts';

/**
 * Lets the fake quantizers of a prepared model observe what goes through them (counterpart:
 * `prepared.apply(torchao.quantization.pt2e.enable_observer)`). Scales that were learned are the observers' again from then on. A
 * `Trainer` of the model follows with its next step, as it does with all of these.
 * @returns the model itself.
 * @throws Error when it has no fake quantizers; so do the others.
 */
export function enableObserver(prepared: GraphModule): GraphModule {
  return each(prepared, 'enableObserver', (fake) => {
    fake.observerEnabled = true;
  });
}

/** Keeps the ranges that were observed (counterpart: `prepared.apply(disable_observer)`). */
export function disableObserver(prepared: GraphModule): GraphModule {
  return each(prepared, 'disableObserver', (fake) => {
    fake.observerEnabled = false;
  });
}

/** Rounds tensors (counterpart: `prepared.apply(enable_fake_quant)`). */
export function enableFakeQuant(prepared: GraphModule): GraphModule {
  return each(prepared, 'enableFakeQuant', (fake) => {
    fake.fakeQuantEnabled = true;
  });
}

/** Lets tensors through as they are: training in floating point (counterpart: `prepared.apply(disable_fake_quant)`). */
export function disableFakeQuant(prepared: GraphModule): GraphModule {
  return each(prepared, 'disableFakeQuant', (fake) => {
    fake.fakeQuantEnabled = false;
  });
}

/**
 * Lets the optimizer train the scales and zero points of all {@link LearnableFakeQuantize} (counterpart:
 * `prepared.apply(enable_range_learning)`), whose observers are asked no more: those that have seen nothing yet, for their first tensor.
 *
 *     const prepared = enableRangeLearning(prepareQatPt2e(captured, quantizer));
 * @throws Error when the model has none of these.
 */
export function enableRangeLearning(prepared: GraphModule): GraphModule {
  return eachLearnable(prepared, 'enableRangeLearning', true);
}

/** Keeps scales and zero points as they are (counterpart: `prepared.apply(disable_range_learning)`). */
export function disableRangeLearning(prepared: GraphModule): GraphModule {
  return eachLearnable(prepared, 'disableRangeLearning', false);
}

/**
 * The fake quantizers of a prepared model.
 * @throws Error when it has none.
 */
export function fakeQuantizersOf(prepared: GraphModule, where: string): readonly FakeQuantizeBase[] {
  const { modules } = GraphModule.accept(prepared, where);
  const all = [...modules.values()].filter((module) => module instanceof FakeQuantizeBase);
  if (all.length === 0)
    throw new Error(`${where}: the model has no fake quantizers; prepare it with prepareQatPt2e`);
  return all;
}

function each(prepared: GraphModule, where: string, change: (fake: FakeQuantizeBase) => void): GraphModule {
  fakeQuantizersOf(prepared, where).forEach(change);
  return prepared;
}

function eachLearnable(prepared: GraphModule, where: string, enabled: boolean): GraphModule {
  let count = 0;
  each(prepared, where, (fake) => {
    if (!(fake instanceof LearnableFakeQuantize)) return;
    fake.rangeLearningEnabled = enabled;
    count++;
  });
  if (count === 0)
    throw new Error(
      `${where}: no fake quantizer of the model learns; use LearnableFakeQuantize, which learnScales gives in ` +
        'getDefaultX86QuantizationConfig',
    );
  return prepared;
}
