import { type CompiledModel, Tensor } from 'octavo';
import { CONTEXT, FRAME } from './frames.ts';

/**
 * Runs a network over the frames of one stream, one after the other. Everything that a frame needs is allocated here, once:
 * the network reads the samples and the last state in place, and writes the next state over the one before that.
 */
export class VoiceDetector {
  readonly #model: CompiledModel;
  readonly #samples = new Float32Array(CONTEXT + FRAME);
  readonly #probability = Tensor.zeros('float32', [1, 1]);
  readonly #turns: readonly { readonly inputs: readonly Tensor[]; readonly outputs: readonly Tensor[] }[];
  #frames = 0;

  /**
   * @param model with Silero's inputs (samples, state) and results (probability, next state). Many detectors may share it.
   */
  constructor(model: CompiledModel) {
    this.#model = model;
    const shape = model.inputs[1].shape as readonly number[];
    const states = [0, 1].map(() => Tensor.zeros('float32', shape));
    const input = new Tensor('float32', this.#samples, [1, CONTEXT + FRAME]);
    this.#turns = [0, 1].map((turn) => ({
      inputs: [input, states[turn]],
      outputs: [this.#probability, states[1 - turn]],
    }));
  }

  /**
   * The probability that somebody speaks in the next frame of the stream. One at a time: the next frame may come when this
   * one's promise has settled.
   */
  async next(frame: Float32Array): Promise<number> {
    this.#samples.copyWithin(0, FRAME);
    this.#samples.set(frame, CONTEXT);
    const { inputs, outputs } = this.#turns[this.#frames++ % 2];
    await this.#model.run(inputs, { outputs });
    return this.#probability.data[0] as number;
  }

  /** The state after the last frame: what the next one begins with. */
  get state(): Float32Array {
    return this.#turns[this.#frames % 2].inputs[1].data as Float32Array;
  }
}
