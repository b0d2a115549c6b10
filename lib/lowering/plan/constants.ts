import type { AtenOperator } from '../../aten/index.ts';
import { Arguments, type Node, type RuntimeValue } from '../../graph/index.ts';
import type { NativeConstant } from '../../onednn/addon.ts';
import { StoredTensor } from '../../onednn/stored-tensor.ts';
import { Tensor } from '../../tensor/index.ts';
import { Value } from './value.ts';

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
    const scalars = JSON.stringify(everything, (_, value) => (value instanceof Value ? value.name : value));
    const known = this.#folded.get(node);
    if (known?.scalars === scalars) return known.value;
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

  /** Bytes of the weights that plans use, before packing. */
  get bytes(): number {
    return [...this.#stored.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** Gives the native memory back as soon as no plan uses it. */
  dispose(): void {
    const folded = [...this.#folded.values()].flatMap(({ value }) => value);
    for (const tensor of [...this.#stored.values(), ...folded])
      if (tensor instanceof StoredTensor) tensor.release();
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
