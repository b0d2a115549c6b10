import type { Tensor } from '../../../tensor/index.ts';
import {
  type AttributeMessage,
  type GraphMessage,
  numberOf,
  type SparseTensorMessage,
  type TensorMessage,
} from './messages.ts';

/** `onnx.AttributeProto.AttributeType`, as far as operators have them. */
const types: Readonly<Record<number, string>> = {
  1: 'float',
  2: 'int',
  3: 'string',
  4: 'tensor',
  5: 'graph',
  6: 'floats',
  7: 'ints',
  8: 'strings',
  11: 'sparse tensor',
};

/** The attributes of one node, by name. */
export class Attributes {
  readonly #messages: ReadonlyMap<string, AttributeMessage>;
  readonly #read: (tensor: TensorMessage) => Tensor;

  /** @param read decodes tensors, which may be stored outside of the file. */
  constructor(messages: readonly AttributeMessage[], read: (tensor: TensorMessage) => Tensor) {
    this.#messages = new Map(messages.map((message) => [message.name, message]));
    this.#read = read;
  }

  has(name: string): boolean {
    return this.#messages.has(name);
  }

  /** @throws Error when it is absent and has no default, or has another type; so do the others. */
  int(name: string, otherwise?: number): number {
    return this.#value(name, 'int', otherwise, ({ i }) => numberOf(i));
  }

  float(name: string, otherwise?: number): number {
    return this.#value(name, 'float', otherwise, ({ f }) => f);
  }

  string(name: string, otherwise?: string): string {
    return this.#value(name, 'string', otherwise, ({ s }) => text(s));
  }

  ints(name: string, otherwise?: readonly number[]): readonly number[] {
    return this.#value(name, 'ints', otherwise, ({ ints }) => ints.map(numberOf));
  }

  floats(name: string, otherwise?: readonly number[]): readonly number[] {
    return this.#value(name, 'floats', otherwise, ({ floats }) => [...floats]);
  }

  strings(name: string, otherwise?: readonly string[]): readonly string[] {
    return this.#value(name, 'strings', otherwise, ({ strings }) => strings.map(text));
  }

  tensor(name: string): Tensor {
    return this.#read(this.#value(name, 'tensor', undefined, ({ t }) => t!));
  }

  sparseTensor(name: string): SparseTensorMessage {
    return this.#value(name, 'sparse tensor', undefined, ({ sparseTensor }) => sparseTensor!);
  }

  graph(name: string): GraphMessage {
    return this.#value(name, 'graph', undefined, ({ g }) => g!);
  }

  #value<T>(name: string, type: string, otherwise: T | undefined, read: (message: AttributeMessage) => T): T {
    const message = this.#messages.get(name);
    if (!message) {
      if (otherwise === undefined) throw new Error(`the attribute '${name}' is missing`);
      return otherwise;
    }
    // Files of the first version of the format say no type.
    const actual = message.type === 0 ? type : types[message.type];
    if (actual !== type)
      throw new Error(
        `the attribute '${name}' must be of type ${type}, got ${actual ?? `type ${message.type}`}`,
      );
    const value = read(message);
    if (value === null || value === undefined) throw new Error(`the attribute '${name}' is empty`);
    return value;
  }
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
