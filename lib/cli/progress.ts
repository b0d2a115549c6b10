import { Presets, SingleBar } from 'cli-progress';

/** A progress bar on stderr; it shows nothing when stderr is no terminal. */
export class Progress {
  readonly #bar: SingleBar;

  /** @param done how much of `total` has been done before. */
  constructor(label: string, total: number, done = 0) {
    this.#bar = new SingleBar(
      {
        format: `${label} {bar} {value}/{total} {text}`,
        stream: process.stderr,
        clearOnComplete: true,
        hideCursor: true,
      },
      Presets.shades_classic,
    );
    this.#bar.start(total, done, { text: '' });
  }

  /** @param text what to show behind the numbers. */
  advance(count = 1, text = ''): void {
    this.#bar.increment(count, { text });
  }

  /** Takes the bar off the terminal. */
  stop(): void {
    this.#bar.stop();
  }
}
