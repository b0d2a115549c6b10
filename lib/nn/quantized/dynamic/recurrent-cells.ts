import type { Value } from '../../dispatcher.ts';
import { type Buffer, Module } from '../../module.ts';
import * as float from '../../recurrent-cells.ts';
import type { Owner } from '../from-float.ts';
import { callLayer, quantizedState, quantizedWeights } from './recurrent-weights.ts';

/** One step of a layer whose weights are int8. */
abstract class Cell extends Module {
  readonly inputSize: number;
  private readonly state: ReadonlyMap<string, Buffer>;

  constructor(cell: (float.LSTMCell | float.GRUCell) & Owner) {
    super();
    this.inputSize = cell.inputSize;
    this.state = quantizedState(cell);
  }

  override get ownBuffers(): readonly (readonly [string, Buffer])[] {
    return [...this.state];
  }

  protected step(name: string, x: Value, states: readonly (Value | undefined)[]): readonly Value[] {
    const weights = quantizedWeights.map((kind) => this.state.get(kind)?.tensor ?? null);
    return float.oneStep(this, x, states, (y, given) => callLayer(name, [y, ...weights, ...given], {}));
  }
}

/** Counterpart: `torch.ao.nn.quantized.dynamic.LSTMCell`. */
export class LSTMCell extends Cell {
  /** @throws Error without a `qconfig`, or for other weights than int8 with one scale. */
  static fromFloat(module: float.LSTMCell & Owner): LSTMCell {
    return new LSTMCell(module);
  }

  override get type(): string {
    return 'torch.ao.nn.quantized.dynamic.modules.rnn.LSTMCell';
  }

  /** @throws Error for an input of another shape, or for one state alone. */
  forward(x: Value, state?: Value, cell?: Value): readonly Value[] {
    return this.step('lstm', x, [state, cell]);
  }
}

/** Counterpart: `torch.ao.nn.quantized.dynamic.GRUCell`. */
export class GRUCell extends Cell {
  /** @throws Error as {@link LSTMCell.fromFloat} does. */
  static fromFloat(module: float.GRUCell & Owner): GRUCell {
    return new GRUCell(module);
  }

  override get type(): string {
    return 'torch.ao.nn.quantized.dynamic.modules.rnn.GRUCell';
  }

  /** @throws Error for an input of another shape. */
  forward(x: Value, state?: Value): Value {
    return this.step('gru', x, [state])[0];
  }
}
