import { operators } from '../../aten/index.ts';
import { Arguments, type Node, type NodeBuilder, type StatefulModule } from '../../graph/index.ts';
import { Tensor } from '../../tensor/index.ts';
import { MovingAverageMinMaxObserver } from '../observers/min-max.ts';
import {
  type ObserverOrFakeQuantize,
  type ObserverOrFakeQuantizeConstructor,
  PartialObserver,
  partialObserver,
} from '../observers/observer.ts';
import { MovingAveragePerChannelMinMaxObserver } from '../observers/per-channel-min-max.ts';
import type { UniformObserverArgs } from '../observers/uniform-observer.ts';
import type { QParams } from '../qparams.ts';
import { isSymmetric, type QScheme } from '../qscheme.ts';
import type { QuantizedDType } from '../quantized-dtype.ts';
import { checkRecipe, DEFAULT_RECIPE, type Recipe } from '../recipe.ts';

const FAKE_QUANTIZE = 'octavo.fake_quantize.default';

/** The state's names, in the order of the operator's arguments and results. */
const results = ['min_val', 'max_val', 'scale', 'zero_point'] as const;
const switches = ['observer_enabled', 'fake_quant_enabled'] as const;

/** Arguments of {@link FusedMovingAvgObsFakeQuantize}. */
export interface FusedMovingAverageArgs extends UniformObserverArgs {
  /** Default: {@link MovingAverageMinMaxObserver}. */
  readonly observer?: ObserverOrFakeQuantizeConstructor;
  /** Of the per-channel observer. */
  readonly chAxis?: number;
  readonly averagingConstant?: number;
  /** Which PT2E to follow in `convertPt2e`; default `torchao`. */
  readonly recipe?: Recipe;
}

/**
 * Marks a tensor that will be quantized, keeps the moving average of its range, and rounds it to the integers that it will have
 * (counterpart: `torchao.quantization.pt2e.FusedMovingAvgObsFakeQuantize`).
 *
 *     FusedMovingAvgObsFakeQuantize.withArgs({ observer: MovingAveragePerChannelMinMaxObserver })
 *
 * Scales are those of PyTorch's kernel: with a symmetric scheme that which represents minimum and maximum both, at least 6.1e-5 whatever
 * `eps` says. `convertPt2e` takes them as they are, so that the int8 weights are those that were trained. PyTorch instead computes new ones
 * from the range, as its observers do: half a step wider or narrower, which costs points of accuracy where weights have 4 bits. So does the
 * recipe `pytorch-2.6`.
 * @throws Error when the observer is not one with a moving average of minimum and maximum, or is dynamic.
 */
export class FusedMovingAvgObsFakeQuantize implements ObserverOrFakeQuantize, StatefulModule {
  /** What decides the parameters of the converted model. */
  readonly activationPostProcess: MovingAverageMinMaxObserver | MovingAveragePerChannelMinMaxObserver;
  /** The axis of channels with their own parameters; absent per tensor. */
  readonly chAxis?: number;
  readonly #recipe: Recipe;
  readonly #state = new Map<string, Tensor>([
    ['observer_enabled', on],
    ['fake_quant_enabled', on],
  ]);

  constructor({
    observer = MovingAverageMinMaxObserver,
    recipe = DEFAULT_RECIPE,
    ...args
  }: FusedMovingAverageArgs = {}) {
    checkRecipe(recipe, 'FusedMovingAvgObsFakeQuantize');
    this.#recipe = recipe;
    const made = partialObserver(observer).withArgs(args).create();
    const isKnown =
      made instanceof MovingAverageMinMaxObserver || made instanceof MovingAveragePerChannelMinMaxObserver;
    if (!isKnown)
      throw new Error(
        `FusedMovingAvgObsFakeQuantize: the observer must keep a moving average of minimum and maximum, got ${made.constructor.name}`,
      );
    if (made.isDynamic)
      throw new Error(
        'FusedMovingAvgObsFakeQuantize: parameters that are chosen at run time have no average',
      );
    this.activationPostProcess = made;
    if (made instanceof MovingAveragePerChannelMinMaxObserver) this.chAxis = made.chAxis;
  }

  /** The class with some arguments bound (PyTorch's `with_args`). */
  static withArgs(args: FusedMovingAverageArgs): PartialObserver {
    return new PartialObserver(FusedMovingAvgObsFakeQuantize, { ...args });
  }

  get dtype(): QuantizedDType {
    return this.activationPostProcess.dtype;
  }

  get qscheme(): QScheme {
    return this.activationPostProcess.qscheme;
  }

  get quantMin(): number {
    return this.activationPostProcess.quantMin;
  }

  get quantMax(): number {
    return this.activationPostProcess.quantMax;
  }

  get eps(): number {
    return this.activationPostProcess.eps;
  }

  get isDynamic(): boolean {
    return false;
  }

  get state(): ReadonlyMap<string, Tensor> {
    return this.#state;
  }

  get hasObserved(): boolean {
    const minimum = this.#state.get('min_val')?.data[0];
    return minimum !== undefined && minimum !== Infinity;
  }

  /** Whether tensors move the range (`enable_observer`, `disable_observer`). */
  set observerEnabled(enabled: boolean) {
    this.#state.set('observer_enabled', enabled ? on : off);
  }

  /** Whether tensors are rounded (`enable_fake_quant`, `disable_fake_quant`). */
  set fakeQuantEnabled(enabled: boolean) {
    this.#state.set('fake_quant_enabled', enabled ? on : off);
  }

  /** Updates the range and returns the rounded tensor. */
  forward(input: Tensor): Tensor {
    const state = this.stateFor(input.shape);
    const operator = operators.get(FAKE_QUANTIZE);
    const args = this.#arguments(input, (name) => state.get(name)!);
    const [result, ...updated] = operator.execute(Arguments.bind<Tensor>(operator.schema, args)) as Tensor[];
    results.forEach((name, i) => {
      this.#state.set(name, updated[i]);
    });
    return result;
  }

  calculateQparams(): QParams {
    if (!this.hasObserved)
      throw new Error('FusedMovingAvgObsFakeQuantize has seen no tensor; train the prepared model first');
    const floats = (name: string) => this.#state.get(name)!.data as Float32Array;
    if (this.#recipe === 'pytorch-2.6')
      return this.activationPostProcess.qparamsFor({ minima: floats('min_val'), maxima: floats('max_val') });
    const zeroPoint = Tensor.from('int64', this.#state.get('zero_point')!.toArray().map(Number));
    return { scale: this.#state.get('scale')!, zeroPoint };
  }

  stateFor(shape: readonly number[]): ReadonlyMap<string, Tensor> {
    const channels = this.chAxis === undefined ? 1 : shape[this.chAxis];
    const known = this.#state.get('min_val');
    if (known && known.numel !== channels)
      throw new Error(
        `FusedMovingAvgObsFakeQuantize: saw ${known.numel} channels before, now ${channels} in [${shape.join(', ')}]`,
      );
    if (!known) {
      this.#state.set('min_val', filled(channels, Infinity));
      this.#state.set('max_val', filled(channels, -Infinity));
      this.#state.set('scale', filled(channels, 1));
      this.#state.set('zero_point', Tensor.zeros('int32', [channels]));
    }
    return this.#state;
  }

  setState(name: string, value: Tensor): void {
    if (!this.#state.has(name)) throw new Error(`FusedMovingAvgObsFakeQuantize: there is no state '${name}'`);
    this.#state.set(name, value);
  }

  emit(input: Node, state: ReadonlyMap<string, Node>, g: NodeBuilder) {
    const call = g.call(FAKE_QUANTIZE, ...this.#arguments(input, (name) => state.get(name)!));
    const updated = results.map((name, i) => [name, g.item(call, i + 1)] as const);
    return { result: g.item(call, 0), state: new Map([...state, ...updated]) };
  }

  #arguments<T>(input: T, stateOf: (name: string) => T): (T | number | boolean)[] {
    const { averagingConstant, quantMin, quantMax, qscheme } = this.activationPostProcess;
    return [
      input,
      ...[...switches, ...results].map(stateOf),
      averagingConstant,
      quantMin,
      quantMax,
      this.chAxis ?? -1,
      isSymmetric(qscheme),
    ];
  }
}

const on = Tensor.from('int64', [1]);
const off = Tensor.from('int64', [0]);
const filled = (count: number, value: number) =>
  new Tensor('float32', new Float32Array(count).fill(value), [count]);
