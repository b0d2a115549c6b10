import type { TrainEpochEvent, TrainMeasure, TrainStepEvent } from '../../training/index.ts';
import { Progress } from '../progress.ts';

/** What is measured after an epoch; undefined without data for it. */
export type Evaluation = { readonly top1: number } | undefined;

type TrainEvent = TrainStepEvent | TrainEpochEvent<Evaluation>;

/** Tells how a run goes. */
export interface Reporter {
  tell(event: TrainEvent): void;
  /** Makes room for something else on the terminal. */
  pause(): void;
}

/** For machines: a JSON object a line on stdout. */
export const lineReporter: Reporter = {
  tell: ({ kind, ...event }) => writeLine({ event: kind, ...event }),
  pause: () => {},
};

/** One object as one line of JSON. */
export function writeLine(object: object): void {
  process.stdout.write(`${JSON.stringify(object)}\n`);
}

/** How long a run is. */
export interface Length {
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  readonly batchSize: number;
}

/** For people: a bar for each epoch, and a line after it, on stderr. */
export class BarReporter implements Reporter {
  readonly #length: Length;
  #bar: Progress | undefined;

  constructor(length: Length) {
    this.#length = length;
  }

  tell(event: TrainEvent): void {
    if (event.kind === 'step') this.#step(event);
    else this.#epoch(event);
  }

  pause(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }

  #step(event: TrainStepEvent): void {
    const { epochs, stepsPerEpoch, batchSize } = this.#length;
    const { epoch, step, examplesPerSecond } = event;
    const before = step - 1 - epoch * stepsPerEpoch;
    const seconds = ((epochs * stepsPerEpoch - step) * batchSize) / examplesPerSecond;
    this.#bar ??= new Progress(this.#name(epoch), stepsPerEpoch, before);
    this.#bar.advance(1, `${measures(event)}, ${duration(seconds)} left`);
  }

  #epoch(event: TrainEpochEvent<Evaluation>): void {
    this.pause();
    const { epoch, evaluation, loss } = event;
    const parts = [
      ...(loss === undefined ? ['trained before'] : [measures(event as TrainMeasure)]),
      ...(evaluation ? [`top-1 ${percent(evaluation.top1)}`] : []),
    ];
    process.stderr.write(`${this.#name(epoch)}: ${parts.join(', ')}\n`);
  }

  #name(epoch: number): string {
    return `epoch ${epoch + 1}/${this.#length.epochs}`;
  }
}

const percent = (share: number) => `${(100 * share).toFixed(2)} %`;

function measures({ loss, accuracy, examplesPerSecond }: TrainMeasure): string {
  const right = accuracy === undefined ? '' : `, accuracy ${percent(accuracy)}`;
  return `loss ${loss.toPrecision(4)}${right}, ${examplesPerSecond.toFixed(0)} examples/s`;
}

/** Seconds for people: `1 h 5 min`, `3 min 20 s`, `8 s`. */
export function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}
