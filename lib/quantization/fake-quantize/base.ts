import { operators } from '../../aten/index.ts';
import {
  Arguments,
  type Node,
  type NodeBuilder,
  type RuntimeValue,
  type StatefulModule,
} from '../../graph/index.ts';
import { Tensor } from '../../tensor/index.ts';
import type { ObserverOrFakeQuantize } from '../observers/observer.ts';
import type { QParams } from '../qparams.ts';
import type { QScheme } from '../qscheme.ts';
import type { QuantizedDType } from '../quantized-dtype.ts';

/** An observer whose parameters a fake quantizer takes. */
export interface FakeQuantizeObserver extends ObserverOrFakeQuantize {
  readonly dtype: QuantizedDType;
  readonly qscheme: QScheme;
  readonly quantMin: number;
  readonly quantMax: number;
}

/** Calls an operator: on tensors now, or as a node of a graph. Returns its results. */
export type CallOperator<T> = (
  target: string,
  args: readonly (T | number | boolean | null)[],
) => readonly T[];

/** One call of a fake quantizer, on tensors or on nodes. */
export interface Call<T> {
  readonly input: T;
  readonly shape: readonly number[];
  /** The state of that name. */
  readonly state: (name: string) => T;
  readonly operator: CallOperator<T>;
}

/** What a call gives: the rounded tensor, and the state that it has changed. */
export interface Called<T> {
  readonly result: T;
  readonly changed: Readonly<Record<string, T>>;
}

/**
 * Base of fake quantizers (counterpart: `torchao.quantization.pt2e.FakeQuantizeBase`). Their call is written once, as operators;
 * the interpreter runs these on tensors, and a plan of training holds them.
 */
export abstract class FakeQuantizeBase<Observer extends FakeQuantizeObserver = FakeQuantizeObserver>
  implements ObserverOrFakeQuantize, StatefulModule
{
  /** What decides the parameters of the converted model. */
  readonly activationPostProcess: Observer;
  /** The axis of channels with their own parameters; absent per tensor. */
  readonly chAxis?: number;
  readonly #state = new Map<string, Tensor>();

  constructor(observer: Observer) {
    this.activationPostProcess = observer;
    if (observer.chAxis !== undefined) this.chAxis = observer.chAxis;
    this.fakeQuantEnabled = true;
    this.observerEnabled = true;
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

  get isDynamic(): boolean {
    return this.activationPostProcess.isDynamic;
  }

  get state(): ReadonlyMap<string, Tensor> {
    return this.#state;
  }

  abstract get hasObserved(): boolean;

  /** Whether tensors move the range (`enable_observer`, `disable_observer`). */
  get observerEnabled(): boolean {
    return this.isOn('observer_enabled');
  }

  set observerEnabled(enabled: boolean) {
    this.switch('observer_enabled', enabled);
  }

  /** Whether tensors are rounded (`enable_fake_quant`, `disable_fake_quant`). */
  get fakeQuantEnabled(): boolean {
    return this.isOn('fake_quant_enabled');
  }

  set fakeQuantEnabled(enabled: boolean) {
    this.switch('fake_quant_enabled', enabled);
  }

  /** Updates the state and returns the rounded tensor. */
  forward(input: Tensor): Tensor {
    const state = this.stateFor(input.shape);
    const { result, changed } = this.call<Tensor>({
      input,
      shape: input.shape,
      state: (name) => state.get(name)!,
      operator: execute,
    });
    for (const [name, tensor] of Object.entries(changed)) this.#state.set(name, tensor);
    return result;
  }

  emit(input: Node, state: ReadonlyMap<string, Node>, g: NodeBuilder) {
    const { shape } = input.meta.val as { readonly shape: readonly number[] };
    const { result, changed } = this.call<Node>({
      input,
      shape,
      state: (name) => state.get(name)!,
      operator: (target, args) => {
        const call = g.call(target, ...args);
        const { returns } = operators.get(target).schema;
        return returns === 1 ? [call] : Array.from({ length: returns }, (_, i) => g.item(call, i));
      },
    });
    return { result, state: new Map([...state, ...Object.entries(changed)]) };
  }

  stateFor(shape: readonly number[]): ReadonlyMap<string, Tensor> {
    const channels = this.chAxis === undefined ? 1 : shape[this.chAxis];
    if (channels === undefined)
      throw new Error(
        `${this.constructor.name}: channel axis ${this.chAxis} is outside a tensor of ${shape.length} dimensions [${shape.join(', ')}]`,
      );
    const known = this.#state.get('scale');
    if (known && known.numel !== channels)
      throw new Error(
        `${this.constructor.name}: saw ${known.numel} channels before, now ${channels} in [${shape.join(', ')}]`,
      );
    if (!known)
      for (const [name, tensor] of Object.entries(this.firstState(channels))) this.#state.set(name, tensor);
    return this.#state;
  }

  setState(name: string, value: Tensor): void {
    if (!this.#state.has(name)) throw new Error(`${this.constructor.name}: there is no state '${name}'`);
    this.#state.set(name, value);
  }

  abstract calculateQparams(): QParams;

  /**
   * The call as operators.
   * @internal
   */
  protected abstract call<T>(call: Call<T>): Called<T>;

  /**
   * The state before the first tensor, beside the switches: at least `scale`.
   * @internal
   */
  protected abstract firstState(channels: number): Readonly<Record<string, Tensor>>;

  /** @internal */
  protected isOn(name: string): boolean {
    return this.#state.get(name)!.data[0] !== 0n;
  }

  /** @internal */
  protected switch(name: string, enabled: boolean): void {
    this.#state.set(name, Tensor.from('int64', [enabled ? 1 : 0]));
  }
}

const execute: CallOperator<Tensor> = (target, args) => {
  const operator = operators.get(target);
  const results: RuntimeValue = operator.execute(Arguments.bind<Tensor>(operator.schema, args));
  return (Array.isArray(results) ? results : [results]) as readonly Tensor[];
};

/** The tensor rounded by these parameters, if rounding is on. Its gradient passes where nothing was clamped. */
export function affineFakeQuantize<T>(
  { quantMin, quantMax, chAxis = -1 }: FakeQuantizeBase,
  { input, state, operator }: Call<T>,
  scale: T,
  zeroPoint: T,
): T {
  const args = [input, scale, zeroPoint, state('fake_quant_enabled'), quantMin, quantMax, chAxis];
  return operator('octavo.affine_fake_quantize.default', args)[0];
}
