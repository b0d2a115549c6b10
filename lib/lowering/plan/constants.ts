import type { AtenOperator } from '../../aten/index.ts';
import { Arguments, type Node, type RuntimeValue } from '../../graph/index.ts';
import { addon, type NativeConstant } from '../../onednn/addon.ts';
import type { Tensor } from '../../tensor/index.ts';
import { Value } from './value.ts';

/**
 * A model's constants: what depends on weights alone is computed once, and each tensor goes to native memory once,
 * however many plans use it.
 */
export class ConstantStore {
  readonly #natives = new Map<Tensor, NativeConstant>();
  readonly #folded = new Map<Node, { readonly scalars: string; readonly value: RuntimeValue }>();

  /** The tensor in native memory. */
  native(tensor: Tensor): NativeConstant {
    let constant = this.#natives.get(tensor);
    if (!constant) {
      constant = addon.createConstant(tensor.dtype, tensor.shape, tensor.data);
      this.#natives.set(tensor, constant);
    }
    return constant;
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
    const value = operator.execute(
      Arguments.bind<Tensor>(
        operator.schema,
        toTensors(args) as unknown[],
        toTensors(kwargs) as Record<string, unknown>,
      ),
    );
    this.#folded.set(node, { scalars, value });
    return value;
  }

  /** Bytes held in native memory, before packing. */
  get bytes(): number {
    return [...this.#natives.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** Gives the native memory back as soon as no plan uses it. */
  dispose(): void {
    for (const constant of this.#natives.values()) addon.releaseConstant(constant);
    this.#natives.clear();
    this.#folded.clear();
  }
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
