import type { Tensor } from '../tensor/index.ts';
import type { Value } from './dispatcher.ts';
import {
  cat,
  dropout,
  gruLayer,
  lstmLayer,
  type RecurrentOptions,
  type RecurrentWeights,
  rnnLayer,
  select,
  squeeze,
  unsqueeze,
} from './functional/index.ts';
import { uniform } from './init.ts';
import { Buffer, Module, Parameter } from './module.ts';

/** Options of {@link GRU} and of all recurrent networks. */
export interface RecurrentNetworkOptions {
  /** Layers, each of which runs on the states of the one before. */
  readonly numLayers?: number;
  readonly bias?: boolean;
  /** Whether sequences are [n, t, in] in place of [t, n, in]. States are [layers, n, hidden] either way. */
  readonly batchFirst?: boolean;
  /** Between layers, while training. */
  readonly dropout?: number;
  /** Whether each layer also runs from the end to the beginning, with weights of its own; results are side by side. */
  readonly bidirectional?: boolean;
}

/** Options of {@link LSTM}. */
export interface LSTMOptions extends RecurrentNetworkOptions {
  /** Elements of a state after its projection, fewer than `hiddenSize`; 0: it is not projected. */
  readonly projSize?: number;
}

/** Options of {@link RNN}. */
export interface RNNOptions extends RecurrentNetworkOptions {
  readonly nonlinearity?: 'tanh' | 'relu';
}

/** The sizes of a network and of its weights. */
interface Sizes {
  readonly input: number;
  readonly hidden: number;
  /** Rows of a weight for each element of the state. */
  readonly gates: number;
  /** Elements of a projected state, 0 where it is not. */
  readonly projected: number;
}

const isCount = (value: number, least: number) => Number.isInteger(value) && value >= least;

/** Layers and directions of one kind of cell (counterpart: `torch.nn.RNNBase`). */
abstract class RecurrentNetwork extends Module {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly batchFirst: boolean;
  readonly dropout: number;
  readonly bidirectional: boolean;
  /** Parameters by name; buffers in networks of integers. */
  protected readonly weights = new Map<string, Parameter | Buffer>();

  protected constructor(name: string, sizes: Sizes, options: RecurrentNetworkOptions) {
    super();
    const { input, hidden, gates, projected } = sizes;
    const { numLayers = 1, bias = true, batchFirst = false, dropout = 0, bidirectional = false } = options;
    const counts = { inputSize: input, hiddenSize: hidden, numLayers };
    for (const [what, count] of Object.entries(counts))
      if (!isCount(count, 1)) throw new Error(`${name}: ${what} must be a whole number from 1, got ${count}`);
    if (!isCount(projected, 0) || projected >= hidden)
      throw new Error(
        `${name}: projSize must be from 0 to less than hiddenSize (${hidden}), got ${projected}`,
      );
    if (!(dropout >= 0 && dropout <= 1))
      throw new Error(`${name}: dropout must be from 0 to 1, got ${dropout}`);
    this.inputSize = input;
    this.hiddenSize = hidden;
    this.numLayers = numLayers;
    this.batchFirst = batchFirst;
    this.dropout = dropout;
    this.bidirectional = bidirectional;
    const bound = 1 / Math.sqrt(hidden);
    const state = projected || hidden;
    const add = (key: string, shape: readonly number[]) =>
      this.weights.set(key, new Parameter(uniform(shape, -bound, bound)));
    for (const [layer, way] of this.places()) {
      const end = suffix(layer, way);
      add(`weight_ih_${end}`, [gates * hidden, layer === 0 ? input : state * this.ways]);
      add(`weight_hh_${end}`, [gates * hidden, state]);
      if (bias) for (const side of ['ih', 'hh']) add(`bias_${side}_${end}`, [gates * hidden]);
      if (projected) add(`weight_hr_${end}`, [projected, hidden]);
    }
  }

  /** Its weights by PyTorch's names: `weight_ih_l0`, `bias_hh_l1_reverse`. */
  override get ownParameters(): readonly (readonly [string, Parameter])[] {
    return [...this.weights].filter((entry): entry is [string, Parameter] => entry[1] instanceof Parameter);
  }

  override get ownBuffers(): readonly (readonly [string, Buffer])[] {
    return [...this.weights].filter((entry): entry is [string, Buffer] => entry[1] instanceof Buffer);
  }

  /**
   * One layer in one direction: the states of all steps, then the last states. `initial`: null where they are zeros; `end`: of the
   * names of its weights.
   */
  protected abstract layer(
    x: Value,
    end: string,
    initial: readonly (Value | null)[],
    options: RecurrentOptions,
  ): readonly Value[];

  /** Runs all layers: the last one's states, and the last states of all, [layers * directions, n, state] each. */
  protected run(x: Value, initial: readonly (Value | undefined)[]): readonly Value[] {
    this.check(x, initial);
    const isBatched = x.shape.length === 3;
    const axis = this.batchFirst ? 0 : 1;
    const batched = (value: Value) => (isBatched ? value : unsqueeze(value, 1));
    const given = initial.map((state) => state && batched(state));
    const ends: (readonly Value[])[] = [];
    let states = isBatched ? x : unsqueeze(x, axis);
    for (let layer = 0; layer < this.numLayers; layer++) {
      if (layer > 0 && this.dropout > 0 && this.training) states = dropout(states, this.dropout, true);
      const input = states;
      const ways = this.directions.map((way) => {
        const index = layer * this.ways + way;
        const started = given.map((state) => (state ? select(state, 0, index) : null));
        const options = { reverse: way === 1, batchFirst: this.batchFirst };
        const [all, ...last] = this.layer(input, suffix(layer, way), started, options);
        ends.push(last);
        return all;
      });
      states = ways.length === 1 ? ways[0] : cat(ways, 2);
    }
    const last = initial.map((_, i) => cat(ends.map((end) => unsqueeze(end[i], 0))));
    return isBatched ? [states, ...last] : [squeeze(states, axis), ...last.map((state) => squeeze(state, 1))];
  }

  private get ways(): number {
    return this.bidirectional ? 2 : 1;
  }

  private get directions(): readonly number[] {
    return this.bidirectional ? [0, 1] : [0];
  }

  private places(): readonly (readonly [layer: number, way: number])[] {
    const layers = Array.from({ length: this.numLayers }, (_, layer) => layer);
    return layers.flatMap((layer) => this.directions.map((way) => [layer, way] as const));
  }

  /** The weight of that kind, null where there is none. */
  protected weight(kind: string, end: string): Tensor | null {
    return this.weights.get(`${kind}_${end}`)?.tensor ?? null;
  }

  protected weightsOf(end: string): RecurrentWeights {
    const tensor = (kind: string) => this.weight(kind, end);
    return {
      input: tensor('weight_ih')!,
      hidden: tensor('weight_hh')!,
      inputBias: tensor('bias_ih'),
      hiddenBias: tensor('bias_hh'),
      projection: tensor('weight_hr'),
    };
  }

  private check({ shape }: Value, initial: readonly (Value | undefined)[]): void {
    if ((shape.length !== 2 && shape.length !== 3) || shape[shape.length - 1] !== this.inputSize)
      throw new Error(
        `${this.type}: the input must be [t, ${this.inputSize}] or, with a batch, ` +
          `${this.batchFirst ? '[n, t' : '[t, n'}, ${this.inputSize}], got [${shape.join(', ')}]`,
      );
    if (new Set(initial.map((state) => state === undefined)).size > 1)
      throw new Error(`${this.type}: there must be all first states or none`);
    const count = this.numLayers * this.ways;
    for (const state of initial)
      if (state && (state.shape.length !== shape.length || state.shape[0] !== count))
        throw new Error(
          `${this.type}: first states must have ${shape.length} axes, the first of ${count} (layers times directions), ` +
            `got [${state.shape.join(', ')}]`,
        );
  }
}

const suffix = (layer: number, way: number) => `l${layer}${way === 1 ? '_reverse' : ''}`;

/**
 * Long short-term memory (counterpart: `torch.nn.LSTM`): x [t, n, in], first states and cell states
 * [layers * directions, n, hidden] to the last layer's states [t, n, hidden * directions], the last states and cell states.
 * Without the first ones it begins with zeros. Without a batch, all have one axis fewer.
 */
export class LSTM extends RecurrentNetwork {
  readonly projSize: number;

  /** @throws Error for sizes that make no network. */
  constructor(inputSize: number, hiddenSize: number, options: LSTMOptions = {}) {
    const { projSize = 0 } = options;
    super('LSTM', { input: inputSize, hidden: hiddenSize, gates: 4, projected: projSize }, options);
    this.projSize = projSize;
  }

  override get type(): string {
    return 'torch.nn.modules.rnn.LSTM';
  }

  /** @throws Error for sequences or states of another shape. */
  forward(x: Value, state?: Value, cell?: Value): readonly Value[] {
    return this.run(x, [state, cell]);
  }

  protected override layer(
    x: Value,
    end: string,
    [state, cell]: readonly (Value | null)[],
    options: RecurrentOptions,
  ): readonly Value[] {
    return lstmLayer(x, this.weightsOf(end), [state, cell], options);
  }
}

/** Gated recurrent units (counterpart: `torch.nn.GRU`): as {@link LSTM}, but without cell states. */
export class GRU extends RecurrentNetwork {
  /** @throws Error for sizes that make no network. */
  constructor(inputSize: number, hiddenSize: number, options: RecurrentNetworkOptions = {}) {
    super('GRU', { input: inputSize, hidden: hiddenSize, gates: 3, projected: 0 }, options);
  }

  override get type(): string {
    return 'torch.nn.modules.rnn.GRU';
  }

  /** @throws Error for sequences or states of another shape. */
  forward(x: Value, state?: Value): readonly Value[] {
    return this.run(x, [state]);
  }

  protected override layer(
    x: Value,
    end: string,
    [state]: readonly (Value | null)[],
    options: RecurrentOptions,
  ): readonly Value[] {
    return gruLayer(x, this.weightsOf(end), state, options);
  }
}

/** An Elman network (counterpart: `torch.nn.RNN`): as {@link GRU}, with one gate. */
export class RNN extends RecurrentNetwork {
  readonly nonlinearity: 'tanh' | 'relu';

  /** @throws Error for sizes that make no network. */
  constructor(inputSize: number, hiddenSize: number, options: RNNOptions = {}) {
    super('RNN', { input: inputSize, hidden: hiddenSize, gates: 1, projected: 0 }, options);
    this.nonlinearity = options.nonlinearity ?? 'tanh';
  }

  override get type(): string {
    return 'torch.nn.modules.rnn.RNN';
  }

  /** @throws Error for sequences or states of another shape. */
  forward(x: Value, state?: Value): readonly Value[] {
    return this.run(x, [state]);
  }

  protected override layer(
    x: Value,
    end: string,
    [state]: readonly (Value | null)[],
    options: RecurrentOptions,
  ): readonly Value[] {
    return rnnLayer(x, this.weightsOf(end), this.nonlinearity, state, options);
  }
}
