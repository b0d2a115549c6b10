import { FRAME, RATE } from './frames.ts';

/** A stretch of speech, in seconds from the stream's beginning. */
export interface Segment {
  readonly from: number;
  readonly to: number;
}

/** When speech begins and ends. */
export interface SegmentOptions {
  /** The probability from which on somebody speaks. */
  readonly begin: number;
  /** The probability below which nobody does. */
  readonly end: number;
  /** Pauses, and speech, that are shorter than this many seconds are none. */
  readonly shortest: number;
}

/**
 * Puts the frames of a stream together to stretches of speech, each as soon as it has ended. Two thresholds, so that a
 * probability near one of them does not make many of one.
 */
export async function* segmentsOf(
  probabilities: AsyncIterable<number>,
  { begin, end, shortest }: SegmentOptions = { begin: 0.5, end: 0.35, shortest: 0.15 },
): AsyncGenerator<Segment> {
  const seconds = FRAME / RATE;
  let frame = 0;
  let from: number | undefined;
  let quietSince: number | undefined;
  for await (const probability of probabilities) {
    const now = frame++ * seconds;
    if (from === undefined) {
      if (probability >= begin) from = now;
      continue;
    }
    if (probability >= end) {
      quietSince = undefined;
      continue;
    }
    quietSince ??= now;
    if (now + seconds - quietSince < shortest) continue;
    if (quietSince - from >= shortest) yield { from, to: quietSince };
    from = quietSince = undefined;
  }
  const to = quietSince ?? frame * seconds;
  if (from !== undefined && to - from >= shortest) yield { from, to };
}
