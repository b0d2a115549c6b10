import { ProtocolError } from '../errors.ts';
import type { IndexEntry, LoadedVersion, RepositoryControl } from '../models/repository.ts';
import type { WorkerCalls } from './calls.ts';
import type { Peer } from './peer.ts';

/** A worker that serves. */
export interface Member {
  readonly number: number;
  readonly peer: Pick<Peer<WorkerCalls>, 'call'>;
}

interface Failed {
  readonly number: number;
  readonly error: Error & { readonly status?: number };
}

/** The repositories of all workers, held to the same: what one of them is asked for, all do, or none. Changes come one by one. */
export class SharedRepository implements RepositoryControl {
  readonly #members: () => readonly Member[];
  #versions: readonly LoadedVersion[] | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** @param members the workers that serve now. */
  constructor(members: () => readonly Member[]) {
    this.#members = members;
  }

  /** What is loaded in all; undefined before the first one has started. */
  get versions(): readonly LoadedVersion[] | undefined {
    return this.#versions;
  }

  /** A model is ready if it is so in all workers. */
  async index(): Promise<readonly IndexEntry[]> {
    const { results } = await this.#all((peer) => peer.call('index'));
    const lines = new Map<string, { readonly number: number; readonly entry: IndexEntry }[]>();
    for (const { number, result } of results)
      for (const entry of result) {
        const key = `${entry.name} ${entry.version}`;
        lines.set(key, [...(lines.get(key) ?? []), { number, entry }]);
      }
    return [...lines.values()].map((line) => {
      const missing = line.find(({ entry }) => entry.state !== 'READY');
      if (!missing) return line[0].entry;
      const isEverywhere = line.every(({ entry }) => entry.reason === missing.entry.reason);
      const { entry, number } = missing;
      return isEverywhere ? entry : { ...entry, reason: `worker ${number}: ${entry.reason}` };
    });
  }

  /**
   * All workers read the newest version while they serve the old one; when all have it, all switch.
   * @throws ProtocolError (rejects) when one of them cannot; then none does.
   */
  load(name: string): Promise<void> {
    return this.#change(() => this.#load(name));
  }

  /** @throws ProtocolError (rejects) when it is loaded in none. */
  unload(name: string): Promise<void> {
    return this.#change(async () => {
      const { results, failed } = await this.#all((peer) => peer.call('unload', name));
      if (failed.length > 0 && results.length === 0) throw failureOf(failed, failed.length);
      this.#versions = this.#versions?.filter((each) => each.name !== name);
    });
  }

  /**
   * Makes a worker that has just started, and the others, hold the same, if a change or a new file came in between.
   * @param theirs what it has loaded.
   */
  join({ peer }: Member, theirs: readonly LoadedVersion[]): Promise<void> {
    return this.#change(async () => {
      this.#versions ??= theirs;
      const ours = this.#versions;
      for (const { name } of theirs)
        if (!ours.some((each) => each.name === name)) await peer.call('unload', name);
      for (const { name, version, stamp } of ours)
        if (!theirs.some((each) => each.name === name && each.version === version && each.stamp === stamp))
          await this.#load(name);
    });
  }

  async #load(name: string): Promise<void> {
    const { results, failed } = await this.#all((peer) => peer.call('prepare', name));
    const prepared = results.map(({ number }) => number);
    if (failed.length > 0) {
      // Those that hang will read it when they go on.
      for (const { peer } of this.#members()) peer.call('discard', name).catch(() => {});
      throw failureOf(failed, failed.length + results.length);
    }
    // One that ends meanwhile is told by its successor's start what to load.
    const [first] = (await this.#all((peer) => peer.call('commit', name), prepared)).results;
    if (first) this.#versions = first.result;
  }

  /** @param numbers of the workers that are asked; default: all. */
  async #all<T>(ask: (peer: Member['peer']) => Promise<T>, numbers?: readonly number[]) {
    const results: { readonly number: number; readonly result: T }[] = [];
    const failed: Failed[] = [];
    const asked = this.#members().filter(({ number }) => numbers?.includes(number) ?? true);
    await Promise.all(
      asked.map(async ({ number, peer }) => {
        try {
          results.push({ number, result: await ask(peer) });
        } catch (error) {
          failed.push({ number, error: error as Error });
        }
      }),
    );
    return { results, failed };
  }

  #change(change: () => Promise<void>): Promise<void> {
    const done = this.#last.then(change);
    this.#last = done.catch(() => {}); // who asked for it hears of it
    return done;
  }
}

/** Of `count` workers some have failed. */
function failureOf(failed: readonly Failed[], count: number): ProtocolError {
  const [{ number, error }] = failed;
  const { message, status = 500 } = error;
  if (failed.length === count) return new ProtocolError(status, message);
  return new ProtocolError(status, `${message} (worker ${number} of ${count}; none has changed)`);
}
