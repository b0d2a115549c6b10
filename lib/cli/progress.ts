import { Presets, SingleBar } from 'cli-progress';

/** A progress bar on stderr; it shows nothing when stderr is no terminal. */
export class Progress {
  readonly #bar: SingleBar;

  constructor(label: string, total: number) {
    this.#bar = new SingleBar(
      {
        format: `${label} {bar} {value}/{total}`,
        stream: process.stderr,
        clearOnComplete: true,
        hideCursor: true,
      },
      Presets.shades_classic,
    );
    this.#bar.start(total, 0);
  }

  advance(count = 1): void {
    this.#bar.increment(count);
  }

  /** Takes the bar off the terminal. */
  stop(): void {
    this.#bar.stop();
  }
}
