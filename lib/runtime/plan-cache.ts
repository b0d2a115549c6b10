interface Entry<Plan> {
  plan?: Plan;
  readonly pending: Promise<Plan>;
}

/**
 * Plans by their key; the least recently used one is dropped when there are too many. All requests share a plan that is
 * still being compiled. A plan that failed is forgotten, so that the next request tries again.
 */
export class PlanCache<Plan> {
  readonly #capacity: number;
  readonly #dropped: (plan: Plan) => void;
  readonly #entries = new Map<string, Entry<Plan>>();

  /**
   * @param dropped is told of each plan that had to make room, unless somebody still waits for it. Where one that is being
   * compiled takes its place, that is when the compiled one is ready and whoever waits for it has begun to use it: freeing a
   * plan's memory takes as long as a small plan, and makes a compiling thread wait.
   */
  constructor(capacity: number, dropped: (plan: Plan) => void = () => {}) {
    this.#capacity = capacity;
    this.#dropped = dropped;
  }

  /** The plan, if it is ready. */
  ready(key: string): Plan | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.plan;
  }

  /** The plan, compiled now if it is not in the cache. */
  get(key: string, compile: () => Promise<Plan>): Promise<Plan> {
    const known = this.#entries.get(key);
    if (known) {
      this.#insert(key, known);
      return known.pending;
    }
    const entry: Entry<Plan> = { pending: compile() };
    entry.pending.then(
      (plan) => {
        entry.plan = plan;
      },
      () => {
        // Another may have replaced it in the meantime.
        if (this.#entries.get(key) === entry) this.#entries.delete(key);
      },
    );
    const oldest = this.#insert(key, entry);
    if (oldest !== undefined) {
      const drop = () => setImmediate(this.#dropped, oldest);
      entry.pending.then(drop, drop);
    }
    return entry.pending;
  }

  set(key: string, plan: Plan): void {
    const oldest = this.#insert(key, { plan, pending: Promise.resolve(plan) });
    if (oldest !== undefined) this.#dropped(oldest);
  }

  clear(): void {
    this.#entries.clear();
  }

  /** Gives the plan that had to make room, if one had and it is ready. */
  #insert(key: string, entry: Entry<Plan>): Plan | undefined {
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (this.#entries.size <= this.#capacity) return undefined;
    const [[oldest, { plan }]] = this.#entries;
    this.#entries.delete(oldest);
    return plan;
  }
}
