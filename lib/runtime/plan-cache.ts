/**
 * Plans by their key; the least recently used one is dropped when there are too many. All requests share a plan that is
 * still being compiled. A plan that failed is forgotten, so that the next request tries again.
 */
export class PlanCache<Plan> {
  readonly #capacity: number;
  readonly #dropped: (plan: Plan) => void;
  readonly #entries = new Map<string, { plan?: Plan; readonly pending: Promise<Plan> }>();

  /** @param dropped is told of each plan that had to make room, unless somebody still waits for it. */
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
    const entry: { plan?: Plan; readonly pending: Promise<Plan> } = { pending: compile() };
    entry.pending.then(
      (plan) => {
        entry.plan = plan;
      },
      () => {
        // Another may have replaced it in the meantime.
        if (this.#entries.get(key) === entry) this.#entries.delete(key);
      },
    );
    this.#insert(key, entry);
    return entry.pending;
  }

  set(key: string, plan: Plan): void {
    this.#insert(key, { plan, pending: Promise.resolve(plan) });
  }

  clear(): void {
    this.#entries.clear();
  }

  #insert(key: string, entry: { plan?: Plan; readonly pending: Promise<Plan> }): void {
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (this.#entries.size <= this.#capacity) return;
    const [[oldest, { plan }]] = this.#entries;
    this.#entries.delete(oldest);
    if (plan !== undefined) this.#dropped(plan);
  }
}
