/** A problem as plain data, from which everything that is computed follows. */
export interface Problem {
  readonly seed: number;
  /** What `--only` selects by: a dtype, a file format. */
  readonly variant: string;
}

/** What is wrong with how a problem was solved: in a word or two, which findings are counted by, and in a sentence. */
export interface Fault {
  readonly fault: string;
  readonly detail: string;
}

/** One kind of problems. */
export interface Kind<P extends Problem = Problem> {
  /** The problem of a seed: the same in every process, whatever the CPU. */
  draw(seed: number): P;
  /** The problem as a person reads it, on one line. */
  describe(problem: P): string;
  /** Lets Octavo solve the problem, and compares. */
  judge(problem: P): Promise<readonly Fault[]>;
}

/** A range of seeds of one kind. */
export interface Task {
  readonly kind: string;
  readonly from: number;
  readonly count: number;
  /** Judge the problems of this variant alone. */
  readonly only?: string;
}

/** What the process that judges tells the one that watches it, a line of JSON each. */
export type Message = { readonly seed: number; readonly variant: string; readonly problem: string } | Fault;
