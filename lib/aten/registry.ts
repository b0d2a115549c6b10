import {
  type Arguments,
  type MetaValue,
  type Operator,
  type OperatorLibrary,
  operatorName,
  parseSchema,
  type RuntimeValue,
  type Schema,
  type TensorMeta,
} from '../graph/index.ts';
import { addon } from '../native/addon.ts';
import type { Attributes } from '../native/addon-types.ts';
import type { StepName } from '../native/step-name.ts';
import {
  arrayTypeOf,
  bfloat16ToFloat,
  numelOf,
  rowMajorStrides,
  Tensor,
  type TensorData,
} from '../tensor/index.ts';

/** A step's view of a tensor argument: a Tensor when run eagerly, a plan's value when compiled. */
export interface TensorLike {
  readonly dtype: Tensor['dtype'];
  readonly shape: readonly number[];
  /**
   * The elements, row-major, if they are known before the step runs: always when run eagerly, for constants in a plan.
   */
  readonly data?: TensorData | undefined;
}

/**
 * The elements of a tensor that become attributes of a step: scales, zero points.
 * @throws Error if they are known only at run time; `what` names the argument.
 */
export function constantValues({ dtype, data }: TensorLike, what: string): ArrayLike<number | bigint> {
  if (!data) throw new Error(`${what} must be a constant of the graph, but it is computed at run time`);
  return dtype === 'bfloat16' ? bfloat16ToFloat(data as Uint16Array) : data;
}

/** The same as float32. */
export function constantFloats(tensor: TensorLike, what: string): Float32Array {
  const values = constantValues(tensor, what);
  return values instanceof Float32Array ? values : Float32Array.from(values, Number);
}

/** The native step that computes an operator. `inputs` are the call's tensor arguments, in the step's own order. */
export interface Step<T extends TensorLike = TensorLike> {
  readonly op: StepName;
  readonly inputs: readonly T[];
  readonly attributes: Attributes;
}

interface Definition {
  /** As in PyTorch's `native_functions.yaml`. */
  readonly schema: string;
  readonly infer: (args: Arguments<TensorMeta>) => MetaValue;
  /** The first two arguments may be swapped if the others have their defaults. */
  readonly commutative?: true;
  /**
   * Tensor arguments that may hold a batch of samples along their first extent. Each index of the result's first extent
   * is then computed from that index of these alone, so that a batch can be computed in parts. Absent: none.
   */
  readonly samples?: readonly string[] | ((args: Arguments<TensorMeta>) => readonly string[]);
}

/** Computed by one native step, the same for the eager kernel and for a plan. */
export interface NativeDefinition extends Definition {
  readonly step: <T extends TensorLike>(args: Arguments<T>) => Step<T>;
  /**
   * The values of its arguments decide how long the first extent of its result is. `infer` returns the most that it may be.
   * The step writes that many rows or fewer and, as a second result, their number: an int64 without dimensions.
   */
  readonly counted?: true;
}

/** The first argument's elements, in row-major order, under another shape. Costs nothing in a plan. */
export interface ViewDefinition extends Definition {
  readonly view: true;
  /** Throws for a call that may stand in a graph, and computes something else than a view: dropout in training. */
  readonly refuse?: (args: Arguments<unknown>) => void;
  /** The result shares the argument's memory though the schema has no alias marks. */
  readonly sharesMemory?: true;
}

/** A tensor argument with its strides, in elements: row-major when run eagerly, as chosen by the plan when compiled. */
export interface StridedLike extends TensorLike {
  readonly strides: readonly number[];
}

/** The elements of another tensor under other strides; `offset` counts its elements, from the first one. */
export interface StridedView {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
}

/**
 * The first argument's elements under other strides: `transpose`, `slice`, `expand`, `split`. Costs nothing in a plan
 * until a step needs the result row-major. A list if the operator returns a list of tensors.
 */
export interface StridedDefinition extends Definition {
  /** `input` is the first argument, `args` all of them. */
  readonly strided: (input: StridedLike, args: Arguments<TensorLike>) => StridedView | readonly StridedView[];
}

/** Computed in JavaScript, from sizes and scalars alone: a plan knows the result when it is compiled. */
export interface HostDefinition extends Definition {
  readonly host: (args: Arguments<Tensor>) => RuntimeValue;
}

export type OperatorDefinition = NativeDefinition | ViewDefinition | StridedDefinition | HostDefinition;

/** An operator of Octavo's library: besides running and inference, it defines how a plan computes it. */
export class AtenOperator implements Operator {
  readonly definition: OperatorDefinition;
  #schema: Schema | undefined;

  constructor(definition: OperatorDefinition) {
    this.definition = definition;
  }

  /** Parsed on first use: a model uses few of all operators. */
  get schema(): Schema {
    this.#schema ??= parseSchema(this.definition.schema);
    return this.#schema;
  }

  get commutative(): boolean {
    return this.definition.commutative ?? false;
  }

  get decidesExtent(): boolean {
    return 'counted' in this.definition;
  }

  get sharesMemory(): boolean {
    return this.schema.sharesMemory || 'sharesMemory' in this.definition;
  }

  infer(args: Arguments<TensorMeta>): MetaValue {
    return this.definition.infer(args);
  }

  /** The tensor arguments of this call that may hold a batch of samples; see {@link OperatorDefinition}. */
  samplesOf(args: Arguments<TensorMeta>): readonly string[] {
    const { samples = [] } = this.definition;
    return typeof samples === 'function' ? samples(args) : samples;
  }

  execute(args: Arguments<Tensor>): RuntimeValue {
    const { definition } = this;
    if ('host' in definition) return definition.host(args);
    const meta = definition.infer(args);
    if ('view' in definition) {
      definition.refuse?.(args);
      const input = args.tensor(this.schema.arguments[0].name);
      return input.view((meta as TensorMeta).shape as readonly number[]);
    }
    if ('strided' in definition) return this.#copyOut(definition, args);
    const { op, inputs, attributes } = definition.step(args);
    const metas = definition.counted ? [meta as TensorMeta, countMeta] : [meta].flat();
    const outputs = (metas as readonly TensorMeta[]).map(allocate);
    // Of nothing there is nothing to compute, whatever a step would say to it.
    if (outputs.some(({ numel }) => numel > 0))
      addon.execute({ op, node: this.schema.name, attributes }, inputs, outputs);
    if (definition.counted) return firstRows(outputs[0], outputs[1]);
    return Array.isArray(meta) ? outputs : outputs[0];
  }

  /** A Tensor is always row-major: what a plan would read under other strides is copied here. */
  #copyOut(definition: StridedDefinition, args: Arguments<Tensor>): RuntimeValue {
    const input = args.tensor(this.schema.arguments[0].name);
    const copy = ({ shape, strides, offset }: StridedView): Tensor => {
      const output = allocate({ dtype: input.dtype, shape });
      const data = input.data.subarray(offset);
      addon.execute(
        { op: 'copy', node: this.schema.name, attributes: {} },
        [{ dtype: input.dtype, shape, strides, data }],
        [output],
      );
      return output;
    };
    const { dtype, shape } = input;
    const views = definition.strided({ dtype, shape, strides: rowMajorStrides(shape) }, args);
    return Array.isArray(views) ? views.map(copy) : copy(views as StridedView);
  }
}

function allocate(meta: TensorMeta): Tensor {
  const shape = meta.shape as readonly number[];
  return new Tensor(meta.dtype, new (arrayTypeOf(meta.dtype))(numelOf(shape)), shape);
}

/** The number of rows that a counted operator has found. */
export const countMeta: TensorMeta = { dtype: 'int64', shape: [] };

/** The result of a counted operator: as many rows as it has found, in the memory of all that there might have been. */
export function firstRows({ dtype, data, shape: [, ...row] }: Tensor, count: Tensor): Tensor {
  const found = Number(count.data[0]);
  return new Tensor(dtype, data.subarray(0, found * numelOf(row)), [found, ...row]);
}

/** A set of operators by name. */
export class OperatorRegistry implements OperatorLibrary {
  readonly #operators: ReadonlyMap<string, AtenOperator>;

  constructor(...groups: readonly (readonly OperatorDefinition[])[]) {
    this.#operators = new Map(
      groups.flat().map((definition) => [operatorName(definition.schema), new AtenOperator(definition)]),
    );
  }

  get(target: string): AtenOperator {
    const operator = this.#operators.get(target);
    if (!operator) throw new Error(`operator '${target}' is not supported`);
    return operator;
  }

  has(target: string): boolean {
    return this.#operators.has(target);
  }

  /** Whether the values of its inputs decide how long the operator's result is; false for one that is not known. */
  decidesExtent(target: string): boolean {
    return this.#operators.get(target)?.decidesExtent ?? false;
  }

  /** All names, sorted. */
  get names(): readonly string[] {
    return [...this.#operators.keys()].sort();
  }
}
