import { FRAME, RATE } from './frames.ts';

/** A recording, and where in it somebody speaks, in seconds. */
export interface Recording {
  readonly samples: Float32Array;
  readonly speech: readonly { readonly from: number; readonly to: number }[];
}

/** Numbers from 0 to 1 (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * A recording that nobody made: syllables of a buzzing voice with two formants between pauses, and noise all the while, the
 * louder the larger `noise` is. It is enough to show how a stream is served; a network for real voices learns from these.
 * @param seconds at least 3.
 */
export function makeRecording(seed: number, seconds = 8, noise = 0.004): Recording {
  const next = random(seed);
  const between = (low: number, high: number) => low + (high - low) * next();
  const samples = Float32Array.from({ length: Math.round(seconds * RATE) }, () => noise * between(-1, 1));
  const speech: { from: number; to: number }[] = [];
  for (let from = between(0.5, 1); from < seconds - 1; from = speech.at(-1)!.to + between(0.5, 1.2)) {
    const to = Math.min(from + between(0.6, 1.6), seconds - 0.4);
    speech.push({ from, to });
    const [pitch, glide, volume] = [between(90, 220), between(-0.2, 0.2), between(0.05, 0.2)];
    const formants = [between(300, 800), between(1000, 2400)];
    const syllable = between(3, 5);
    for (let i = Math.round(from * RATE); i < Math.round(to * RATE); i++) {
      const t = i / RATE - from;
      const envelope = 0.55 - 0.45 * Math.cos(2 * Math.PI * syllable * t);
      const phase = 2 * Math.PI * pitch * (t + (glide * t * t) / 2);
      for (let harmonic = 1; harmonic * pitch < 4000; harmonic++) {
        const distances = formants.map((formant) => Math.abs(harmonic * pitch - formant) / 250);
        const strength = distances.reduce((sum, distance) => sum + 1 / (1 + distance * distance), 0.02);
        samples[i] += volume * envelope * strength * Math.sin(harmonic * phase) * 0.5;
      }
    }
  }
  return { samples, speech };
}

/** Whether somebody speaks in most of each frame. */
export function labelsOf({ samples, speech }: Recording): readonly boolean[] {
  return Array.from({ length: Math.floor(samples.length / FRAME) }, (_, i) => {
    const middle = ((i + 0.5) * FRAME) / RATE;
    return speech.some(({ from, to }) => from <= middle && middle < to);
  });
}
