import { Tensor } from 'octavo';
import { Buffer, functional as F, Linear, LSTM, Module, type Value } from 'octavo/nn';
import { CONTEXT, FRAME, RATE } from './frames.ts';

/** Bands of frequencies from 100 to 6000 Hz, each as wide as a share of its middle: what an ear tells apart, roughly. */
const bands = 16;
const [window, step] = [128, 64];
export const hidden = 32;

/** A cosine and a sine of each band under a Hann window, as kernels of a convolution: [2 * bands, 1, window]. */
function kernels(): Float32Array {
  const values = new Float32Array(2 * bands * window);
  for (let band = 0; band < bands; band++) {
    const frequency = 100 * 60 ** (band / (bands - 1));
    for (let i = 0; i < window; i++) {
      const hann = 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / window);
      const phase = (2 * Math.PI * frequency * i) / RATE;
      values[band * window + i] = (hann * Math.cos(phase) * 2) / window;
      values[(bands + band) * window + i] = (hann * Math.sin(phase) * 2) / window;
    }
  }
  return values;
}

/**
 * Whether somebody speaks, frame by frame. Inputs: `input` [1, 576], the end of the frame before and the frame itself, and
 * `state` [2, 1, 32], what the LSTM remembers: zeros first, later what the frame before returned. Results: the probability
 * [1, 1] and the next state. Silero's networks have the same inputs and results.
 */
export class VoiceActivity extends Module {
  readonly kernels = new Buffer(new Tensor('float32', kernels(), [2 * bands, 1, window]));
  readonly lstm = new LSTM(2 * bands, hidden);
  readonly output = new Linear(hidden, 1);

  forward(input: Value, state: Value): readonly Value[] {
    const waves = F.conv1d(F.view(input, [1, 1, CONTEXT + FRAME]), this.kernels.tensor, null, {
      stride: step,
    });
    const powers = F.mul(waves, waves);
    const power = F.mean(F.add(F.select(view(powers), 1, 0), F.select(view(powers), 1, 1)), [2]);
    // Loud and quiet alike: a share of 1 that grows where the power is near a threshold.
    const loudness = F.cat(
      [1e-6, 1e-4].map((threshold) => F.div(power, F.add(power, threshold))),
      1,
    );
    const [h, c] = [0, 1].map((i) => F.view(F.select(state, 0, i), [1, 1, hidden]));
    const [, lastH, lastC] = this.lstm.call(F.view(loudness, [1, 1, 2 * bands]), h, c) as unknown as Value[];
    const probability = F.sigmoid(this.output.call(F.view(lastH, [1, hidden])));
    return [probability, F.cat([lastH, lastC], 0)];
  }
}

const view = (powers: Value): Value => F.view(powers, [1, 2, bands, (CONTEXT + FRAME - window) / step + 1]);
