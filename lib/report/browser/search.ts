import type { ReportFacts } from '../facts.ts';
import { kindOf } from '../names.ts';
import type { GraphView } from './graph-view.ts';

/** The search field: dims what does not match while it is typed in, and goes from match to match with Enter. */
export class Search {
  readonly #texts: readonly string[];
  #found: readonly number[] = [];
  #at = -1;

  constructor({ nodes, times }: ReportFacts, view: GraphView) {
    const kernels = new Map<string, string>();
    for (const { node, op, implementation } of times.steps)
      kernels.set(node, `${kernels.get(node) ?? ''} ${op} ${implementation}`);
    this.#texts = nodes.map((node) =>
      [
        node.name,
        node.target,
        node.modulePath,
        kindOf(node),
        ...node.operators.map(({ name }) => name),
        kernels.get(node.name),
      ]
        .join('\n')
        .toLowerCase(),
    );
    const field = document.querySelector<HTMLInputElement>('#search')!;
    const status = document.querySelector('#matches')!;
    field.addEventListener('input', () => {
      const wanted = field.value.trim().toLowerCase();
      this.#found = wanted === '' ? [] : [...nodes.keys()].filter((i) => this.#texts[i].includes(wanted));
      this.#at = -1;
      view.highlight(wanted === '' ? undefined : new Set(this.#found));
      status.textContent = wanted === '' ? '' : `${this.#found.length} of ${nodes.length}`;
    });
    field.addEventListener('keydown', ({ key, shiftKey }) => {
      if (key !== 'Enter' || this.#found.length === 0) return;
      const { length } = this.#found;
      this.#at = shiftKey ? (Math.max(this.#at, 0) + length - 1) % length : (this.#at + 1) % length;
      view.select(this.#found[this.#at]);
      status.textContent = `${this.#at + 1} of ${length}`;
    });
  }
}
