import type { Dim, TensorMeta } from '../../../graph/index.ts';
import type { DType, Tensor } from '../../../tensor/index.ts';

/** How integers are read as real numbers, with the integers. */
export interface Dequantized {
  readonly integers: OnnxValue;
  readonly scales: readonly number[];
  readonly zeroPoints: readonly number[];
  /** The axis with a scale for each position; undefined where there is one scale. */
  readonly axis: number | undefined;
}

/** What is known of a value besides its dtype and shape. */
export interface ValueFacts {
  /** The elements: of parameters and buffers. */
  readonly constant?: Tensor;
  /** Of what `DequantizeLinear` returns. */
  readonly dequantized?: Dequantized;
  /** Of a cast that lost nothing: what was cast. */
  readonly widenedFrom?: OnnxValue;
  /** Of a view: what it is a view of. */
  readonly viewOf?: OnnxValue;
  /** Of one position of an axis: where it was taken. */
  readonly selected?: { readonly from: OnnxValue; readonly axis: number; readonly index: Dim };
  /** Of a scale that was chosen for a tensor: the tensor, and its integers. */
  readonly chosenFor?: { readonly input: OnnxValue; readonly integers: () => OnnxValue };
}

/** A tensor of the ONNX graph. Its name is decided when the model is encoded, so that none is taken twice. */
export class OnnxValue implements TensorMeta {
  readonly dtype: DType;
  readonly facts: ValueFacts;
  #shape: readonly Dim[];
  #wish: string;
  #isSettled = false;

  constructor({ dtype, shape }: TensorMeta, wish: string, facts: ValueFacts = {}) {
    this.dtype = dtype;
    this.facts = facts;
    this.#shape = shape;
    this.#wish = wish;
  }

  get shape(): readonly Dim[] {
    return this.#shape;
  }

  /** The name that the value has if nothing else has it. */
  get wish(): string {
    return this.#wish;
  }

  get rank(): number {
    return this.shape.length;
  }

  get constant(): Tensor | undefined {
    return this.facts.constant;
  }

  /** What the value turned out to be: the result of the graph's node of that name. */
  settle(wish: string, shape: readonly Dim[]): void {
    this.#wish = wish;
    this.#shape = shape;
    this.#isSettled = true;
  }

  /** Whether the shape is known to be right: of what is in between nothing asks for it. */
  get isSettled(): boolean {
    return this.#isSettled;
  }
}
