import type { AtenOperator } from '../aten/index.ts';
import { Arguments, type Node, type RuntimeValue, serializeNumber } from '../graph/index.ts';
import { addon } from '../native/addon.ts';
import type { Attributes, NativeConstant } from '../native/addon-types.ts';
import { StoredTensor } from '../native/stored-tensor.ts';
import { Tensor } from '../tensor/index.ts';
import { Value } from './value.ts';

/** The memory of weights, which all plans and streams share. */
export interface ConstantMemory {
  /** Weights in native memory before packing, or in the file that the model was loaded from. */
  readonly constantBytes: number;
  /** The same weights as primitives have packed them, with facts about them. */
  readonly packedBytes: number;
  /** The part of these that was read from the model's file instead of being packed. */
  readonly packedBytesFromFile: number;
}

/**
 * A model's constants, and the attributes of its steps, which plans share. A value that depends on weights alone is computed once, and each tensor is copied to native
 * memory once, regardless of the number of plans that use it.
 */
export class ConstantStore {
  readonly attributes = new Map<string, Attributes>();
  readonly #stored = new Map<Tensor, StoredTensor>();
  readonly #numbers = new WeakMap<Tensor, number>();
  #count = 0;
  readonly #folded = new Map<Node, { readonly scalars: string; readonly value: RuntimeValue }>();

  /** The tensor in native memory. */
  native(tensor: Tensor): NativeConstant {
    let stored = this.#stored.get(tensor);
    if (!stored) {
      stored = StoredTensor.of(tensor);
      this.#stored.set(tensor, stored);
    }
    return stored.constant;
  }

  /** The call's result if all its tensors are constants (or it has none); undefined otherwise. */
  fold(
    node: Node,
    operator: AtenOperator,
    args: readonly unknown[],
    kwargs: Readonly<Record<string, unknown>>,
  ): RuntimeValue | undefined {
    const everything = [args, kwargs];
    if (!isConstant(everything)) return undefined;
    // Sizes that follow the input's shape may be among the arguments, or what was computed from them.
    const scalars = JSON.stringify(everything, (_, value) => {
      if (value instanceof Value) return { tensor: this.#numberOf(value) };
      return typeof value === 'number' ? serializeNumber(value) : value;
    });
    const known = this.#folded.get(node);
    if (known?.scalars === scalars) return known.value;
    // Plans made earlier, for other sizes, hold their own natively.
    this.#drop(known?.value);
    const computed = operator.execute(
      Arguments.bind<Tensor>(
        operator.schema,
        toTensors(args) as unknown[],
        toTensors(kwargs) as Record<string, unknown>,
      ),
    );
    const value = toStored(computed);
    this.#folded.set(node, { scalars, value });
    return value;
  }

  /** Different for different tensors. */
  #numberOf({ origin }: Value): number | undefined {
    if (origin.kind !== 'constant') return undefined;
    const number = this.#numbers.get(origin.tensor) ?? this.#count++;
    this.#numbers.set(origin.tensor, number);
    return number;
  }

  #drop(value: RuntimeValue | undefined): void {
    for (const tensor of [value ?? []].flat())
      if (tensor instanceof StoredTensor) {
        this.#stored.delete(tensor);
        tensor.release();
      }
  }

  /**
   * Bytes of the weights that plans use. Of those that depend on the inputs' sizes it counts the ones of the last plan.
   */
  get memory(): ConstantMemory {
    const stored = [...this.#stored.values()];
    const forms = stored.flatMap(({ constant }) => addon.packedForms(constant));
    const sum = (sizes: readonly { readonly byteLength: number }[]) =>
      sizes.reduce((total, { byteLength }) => total + byteLength, 0);
    return {
      constantBytes: sum(stored),
      packedBytes: sum(forms),
      packedBytesFromFile: sum(forms.filter(({ isFromFile }) => isFromFile)),
    };
  }

  /** Frees the native memory as soon as no plan uses it. */
  dispose(): void {
    for (const { value } of this.#folded.values()) this.#drop(value);
    for (const tensor of this.#stored.values()) tensor.release();
    this.#stored.clear();
    this.#folded.clear();
  }
}

/** A computed value is copied to native memory at once: only the first plan that uses it could have it from here. */
function toStored(value: RuntimeValue): RuntimeValue {
  if (typeof value === 'number') return value;
  return value instanceof Tensor ? StoredTensor.of(value) : value.map(StoredTensor.of);
}

/** Whether all tensors in an argument are constants. Every call of every new plan is asked, and most have one that is not. */
function isConstant(arg: unknown): boolean {
  if (arg instanceof Value) return arg.origin.kind === 'constant';
  if (Array.isArray(arg)) return arg.every(isConstant);
  if (typeof arg === 'object' && arg !== null) return Object.values(arg).every(isConstant);
  return true;
}

function toTensors(arg: unknown): unknown {
  if (arg instanceof Value) return arg.origin.kind === 'constant' ? arg.origin.tensor : arg;
  if (Array.isArray(arg)) return arg.map(toTensors);
  if (typeof arg === 'object' && arg !== null)
    return Object.fromEntries(Object.entries(arg).map(([key, value]) => [key, toTensors(value)]));
  return arg;
}
