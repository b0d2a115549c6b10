import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Question } from './questions.ts';

/** What became of requests. */
export interface Outcomes {
  answered: number;
  /** The queue was full. */
  refused: number;
  /** Answered with other bits than the model gives. */
  wrong: number;
  /** Not answered, or otherwise: what was said, and how often. */
  readonly lost: Map<string, number>;
}

/** Clients that behave: they send right requests and check every bit of the answers. */
export class Traffic {
  readonly #url: URL;
  readonly #questions: readonly Question[];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 512 });
  readonly outcomes: Outcomes = { answered: 0, refused: 0, wrong: 0, lost: new Map() };
  #sent = 0;

  /** @param url where the model takes requests. */
  constructor(url: string, questions: readonly Question[]) {
    this.#url = new URL(url);
    this.#questions = questions;
  }

  /** Answers a second when so many requests are always under way. */
  async capacity(inFlight: number, milliseconds: number): Promise<number> {
    const before = this.outcomes.answered;
    const end = performance.now() + milliseconds;
    const client = async () => {
      while (performance.now() < end) await this.#send();
    };
    await Promise.all(Array.from({ length: inFlight }, client));
    return (this.outcomes.answered - before) / (milliseconds / 1000);
  }

  /** Sends so many requests a second, whether others are answered or not, and waits for all answers. */
  async offer(rate: number, milliseconds: number): Promise<void> {
    const underWay = new Set<Promise<void>>();
    const start = performance.now();
    for (let sent = 0; performance.now() - start < milliseconds; ) {
      const due = Math.floor(((performance.now() - start) / 1000) * rate);
      for (; sent < due; sent++) {
        const one = this.#send().finally(() => underWay.delete(one));
        underWay.add(one);
      }
      await sleep(1);
    }
    await Promise.all(underWay);
  }

  close(): void {
    this.#agent.destroy();
  }

  async #send(): Promise<void> {
    const question = this.#questions[this.#sent++ % this.#questions.length];
    const { outcomes } = this;
    try {
      const { status, body } = await this.#post(question);
      if (status === 429) outcomes.refused++;
      else if (status !== 200) throw new Error(`${status} ${body}`);
      else if (body.subarray(-question.answer.length).equals(question.answer)) outcomes.answered++;
      else outcomes.wrong++;
    } catch (error) {
      const { message } = error as Error;
      outcomes.lost.set(message, (outcomes.lost.get(message) ?? 0) + 1);
    }
  }

  #post({ headers, body }: Question): Promise<{ readonly status: number; readonly body: Buffer }> {
    return new Promise((resolve, reject) => {
      const sent = request(this.#url, { method: 'POST', agent: this.#agent, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve({ status: response.statusCode!, body: Buffer.concat(chunks) }));
        response.on('error', reject);
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }
}
