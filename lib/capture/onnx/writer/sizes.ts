import { type Dim, mulDims, SymInt, type SymTerm, subDims } from '../../../graph/index.ts';
import { Tensor } from '../../../tensor/index.ts';
import type { OnnxGraphBuilder } from './graph-builder.ts';
import { OnnxValue } from './value.ts';

const one = { dtype: 'int64', shape: [1] } as const;

/** Operators on sizes, as ONNX has them for sizes that are not negative. */
const sizeOperators: Readonly<Record<string, string>> = {
  'operator.floordiv': 'Div',
  'operator.mod': 'Mod',
  'torch.sym_max': 'Max',
  'torch.sym_min': 'Min',
};

/**
 * Writes sizes that requests choose as tensors of one int64: the extents of inputs, sums and products of them, and what
 * operators of the graph compute from them.
 */
export class SizeWriter {
  readonly #builder: OnnxGraphBuilder;
  /** By symbol: how its value comes about. */
  readonly #sources = new Map<string, () => OnnxValue>();
  readonly #known = new Map<string, OnnxValue>();
  readonly #shapes = new Map<OnnxValue, OnnxValue>();

  constructor(builder: OnnxGraphBuilder) {
    this.#builder = builder;
  }

  /** Tells of a tensor in the graph, whose extents can be computed with from now on. */
  learnFrom(value: OnnxValue): void {
    for (const [axis, dim] of value.shape.entries()) this.#learn(dim, () => this.#extent(value, axis));
  }

  /** Tells of an operator on sizes, and what it returns. */
  learnResult(target: string, args: readonly Dim[], result: Dim): void {
    const opType = sizeOperators[target];
    if (!opType) return;
    this.#learn(result, () =>
      this.#add(
        opType,
        args.map((arg) => this.value(arg)),
      ),
    );
  }

  /** The size as a tensor `[1]`. @throws Error when it does not follow from the sizes of the inputs. */
  value(dim: Dim): OnnxValue {
    const key = String(dim);
    const value = this.#known.get(key) ?? (typeof dim === 'number' ? this.#constant([dim]) : this.#sum(dim));
    this.#known.set(key, value);
    return value;
  }

  /** Several sizes as one tensor. */
  list(dims: readonly Dim[]): OnnxValue {
    if (!dims.some((dim) => dim instanceof SymInt)) return this.#constant(dims as readonly number[]);
    const parts: OnnxValue[] = [];
    let numbers: number[] = [];
    const flush = () => {
      if (numbers.length > 0) parts.push(this.#constant(numbers));
      numbers = [];
    };
    for (const dim of dims) {
      if (typeof dim === 'number') numbers.push(dim);
      else {
        flush();
        parts.push(this.value(dim));
      }
    }
    flush();
    if (parts.length === 1) return parts[0];
    const joined = new OnnxValue({ dtype: 'int64', shape: [dims.length] }, 'sizes');
    this.#builder.node('Concat', parts, [joined], { axis: 0 });
    return joined;
  }

  /** Of a sum in which one symbol is new, that symbol follows. */
  #learn(dim: Dim, make: () => OnnxValue): void {
    if (typeof dim === 'number') return;
    const unknown = new Set(dim.terms.flatMap(({ symbols }) => symbols.filter((s) => !this.#sources.has(s))));
    if (unknown.size !== 1) return;
    const [symbol] = unknown;
    const terms = dim.terms.filter(({ symbols }) => symbols.includes(symbol));
    const [{ symbols, coefficient }] = terms;
    if (terms.length > 1 || symbols.length !== 1 || Math.abs(coefficient) !== 1) return;
    const rest = subDims(dim, mulDims(coefficient, new SymInt([symbol])));
    this.#sources.set(symbol, () => {
      if (rest === 0 && coefficient === 1) return make();
      const [a, b] = coefficient === 1 ? [make(), this.value(rest)] : [this.value(rest), make()];
      return this.#add('Sub', [a, b]);
    });
  }

  /** `Shape` names some axes only since operator set 15. */
  #extent(value: OnnxValue, axis: number): OnnxValue {
    const shape =
      this.#shapes.get(value) ??
      new OnnxValue({ dtype: 'int64', shape: [value.rank] }, `${value.wish}/shape`);
    if (!this.#shapes.has(value)) this.#builder.node('Shape', [value], [shape]);
    this.#shapes.set(value, shape);
    return this.#add('Gather', [shape, this.#constant([axis])]);
  }

  #sum({ terms }: SymInt): OnnxValue {
    return terms.map((term) => this.#product(term)).reduce((a, b) => this.#add('Add', [a, b]));
  }

  #product({ symbols, coefficient }: SymTerm): OnnxValue {
    const factors = symbols.map((symbol) => this.#symbol(symbol));
    const all =
      coefficient === 1 && factors.length > 0 ? factors : [...factors, this.#constant([coefficient])];
    return all.reduce((a, b) => this.#add('Mul', [a, b]));
  }

  #symbol(symbol: string): OnnxValue {
    const known = this.#known.get(symbol);
    if (known) return known;
    const source = this.#sources.get(symbol);
    if (!source) throw new Error(`the size ${symbol} cannot be computed from the sizes of the inputs`);
    const value = source();
    this.#known.set(symbol, value);
    return value;
  }

  #constant(values: readonly number[]): OnnxValue {
    const constant = Tensor.from('int64', values);
    return new OnnxValue({ dtype: 'int64', shape: [values.length] }, 'size', { constant });
  }

  #add(opType: string, inputs: readonly OnnxValue[]): OnnxValue {
    const value = new OnnxValue(one, 'size');
    this.#builder.node(opType, inputs, [value]);
    return value;
  }
}
