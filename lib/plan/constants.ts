import type { AtenOperator } from '../aten/index.ts';
import { Arguments, type Node, type RuntimeValue, serializeNumber } from '../graph/index.ts';
import { addon, type NativeConstant } from '../native/addon.ts';
import { StoredTensor } from '../native/stored-tensor.ts';
import { Tensor } from '../tensor/index.ts';
import { Value } from './value.ts';

/** What weights take, shared by all plans and streams. */
export interface ConstantMemory {
  /** Weights in native memory before packing, or in the file that the model was loaded from. */
  readonly constantBytes: number;
  /** The same as primitives have packed them, with what they noted about them. */
  readonly packedBytes: number;
  /** Of these, what was read from the model's file instead of being made. */
  readonly packedBytesFromFile: number;
}

/**
 * A model's constants: what depends on weights alone is computed once, and each tensor goes to native memory once,
 * however many plans use it.
 */
export class ConstantStore {
  readonly #stored = new Map<Tensor, StoredTensor>();
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

  /** The call's result when all its tensors are constants (or it takes none); undefined otherwise. */
  fold(
    node: Node,
    operator: AtenOperator,
    args: readonly unknown[],
    kwargs: Readonly<Record<string, unknown>>,
  ): RuntimeValue | undefined {
    const everything = [args, kwargs];
    if (!valuesIn(everything).every((value) => value.origin.kind === 'constant')) return undefined;
    // Sizes that follow the input's shape may be among the arguments.
    const scalars = JSON.stringify(everything, (_, value) => {
      if (value instanceof Value) return value.name;
      return typeof value === 'number' ? serializeNumber(value) : value;
    });
    const known = this.#folded.get(node);
    if (known?.scalars === scalars) return known.value;
    // The plans that were made for other sizes hold theirs natively.
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

  #drop(value: RuntimeValue | undefined): void {
    for (const tensor of [value ?? []].flat())
      if (tensor instanceof StoredTensor) {
        this.#stored.delete(tensor);
        tensor.release();
      }
  }

  /** Bytes of the weights that plans use; of those that depend on the inputs' sizes, what the last plan made uses. */
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

  /** Gives the native memory back as soon as no plan uses it. */
  dispose(): void {
    for (const { value } of this.#folded.values()) this.#drop(value);
    for (const tensor of this.#stored.values()) tensor.release();
    this.#stored.clear();
    this.#folded.clear();
  }
}

/** What was computed goes to native memory at once: only the first plan that uses it could have it from here. */
function toStored(value: RuntimeValue): RuntimeValue {
  if (typeof value === 'number') return value;
  return value instanceof Tensor ? StoredTensor.of(value) : value.map(StoredTensor.of);
}

function valuesIn(arg: unknown): Value[] {
  if (arg instanceof Value) return [arg];
  if (Array.isArray(arg)) return arg.flatMap(valuesIn);
  if (typeof arg === 'object' && arg !== null) return Object.values(arg).flatMap(valuesIn);
  return [];
}

function toTensors(arg: unknown): unknown {
  if (arg instanceof Value) return arg.origin.kind === 'constant' ? arg.origin.tensor : arg;
  if (Array.isArray(arg)) return arg.map(toTensors);
  if (typeof arg === 'object' && arg !== null)
    return Object.fromEntries(Object.entries(arg).map(([key, value]) => [key, toTensors(value)]));
  return arg;
}
