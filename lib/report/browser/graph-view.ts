import { select } from 'd3-selection';
import { type ZoomTransform, zoom, zoomIdentity } from 'd3-zoom';
import type { NodeFacts } from '../facts.ts';
import { arrowTarget, neighboursOf } from './neighbours.ts';

/** Smallest and largest scale of the drawing. */
const scales: [number, number] = [0.05, 3];

/** The drawing of the network: moved by mouse, fingers, buttons and keys; one node can be selected. */
export class GraphView {
  readonly #svg = document.querySelector<SVGSVGElement>('#graph')!;
  readonly #groups = [...this.#svg.querySelectorAll<SVGGElement>('[data-node]')];
  readonly #zoom = zoom<SVGSVGElement, unknown>().scaleExtent(scales);
  readonly #onSelect: (index: number) => void;
  #transform: ZoomTransform = zoomIdentity;
  #selected: number | undefined;

  constructor(nodes: readonly NodeFacts[], onSelect: (index: number) => void) {
    this.#onSelect = onSelect;
    const viewport = this.#svg.querySelector('#viewport')!;
    this.#zoom
      // The wheel scrolls the page unless a key says that the graph is meant, as on maps.
      .filter(
        (event: MouseEvent) => !event.button && (event.type !== 'wheel' || event.ctrlKey || event.metaKey),
      )
      .on('zoom', ({ transform }: { transform: ZoomTransform }) => {
        this.#transform = transform;
        viewport.setAttribute('transform', String(transform));
      });
    select(this.#svg).call(this.#zoom).on('dblclick.zoom', null);
    this.#svg.addEventListener('click', ({ target }) => {
      const index = this.#indexOf(target as Element);
      if (index !== undefined) this.#mark(index);
    });
    const neighbours = neighboursOf(nodes);
    this.#svg.addEventListener('keydown', (event) => {
      const index = this.#indexOf(event.target as Element);
      if (index === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
      const next = arrowTarget(neighbours, index, event.key);
      if (event.key === 'Enter' || event.key === ' ') this.select(index);
      else if (next !== undefined) this.#focus(next);
      else return;
      event.preventDefault();
    });
    // Not at the drawing itself: Chromium would take one that listens for focus for one to be focused.
    this.#svg.parentElement!.addEventListener('focusin', ({ target }) => {
      const index = this.#indexOf(target as Element);
      // What a finger or a mouse is on does not move away under it.
      if (index !== undefined && (target as Element).matches(':focus-visible')) this.#reveal(index);
    });
    for (const button of document.querySelectorAll<HTMLElement>('[data-zoom]'))
      button.addEventListener('click', () => this.#zoomBy(button.dataset.zoom!));
    this.#showTop();
  }

  /** Marks a node, tells who listens and moves the node into view. */
  select(index: number): void {
    this.#mark(index);
    this.#reveal(index);
  }

  #mark(index: number): void {
    if (this.#selected !== undefined) this.#groups[this.#selected].setAttribute('aria-pressed', 'false');
    this.#selected = index;
    this.#groups[index].setAttribute('aria-pressed', 'true');
    this.#makeReachable(index);
    this.#onSelect(index);
  }

  /** Dims all others; shows all for undefined. */
  highlight(found: ReadonlySet<number> | undefined): void {
    for (const [i, group] of this.#groups.entries())
      group.classList.toggle('dimmed', found !== undefined && !found.has(i));
  }

  /** What the bars in the boxes tell. */
  showMeter(what: string): void {
    this.#svg.setAttribute('class', `show-${what}`);
  }

  #indexOf(element: Element): number | undefined {
    const group = element.closest<SVGGElement>('[data-node]');
    return group ? Number(group.dataset.node) : undefined;
  }

  #focus(index: number): void {
    this.#makeReachable(index);
    this.#groups[index].focus({ preventScroll: true });
  }

  /** One node is in the page's tab order, as is usual for what arrow keys move in. */
  #makeReachable(index: number): void {
    for (const [i, group] of this.#groups.entries()) group.setAttribute('tabindex', i === index ? '0' : '-1');
  }

  get #size(): { width: number; height: number } {
    const { width, height } = this.#svg.getBoundingClientRect();
    return { width, height };
  }

  get #drawing(): { width: number; height: number } {
    const { width, height } = this.#svg.dataset;
    return { width: Number(width), height: Number(height) };
  }

  #move(transform: ZoomTransform): void {
    select(this.#svg).call(this.#zoom.transform, transform);
  }

  /** The whole width if that is readable, from the top. */
  #showTop(): void {
    const [size, drawing] = [this.#size, this.#drawing];
    const scale = Math.min(1, Math.max(0.55, size.width / drawing.width));
    const [first] = this.#groups;
    const x = drawing.width * scale <= size.width ? drawing.width / 2 : placeOf(first).x;
    this.#move(zoomIdentity.translate(size.width / 2 - x * scale, 0).scale(scale));
  }

  #zoomBy(how: string): void {
    if (how !== 'all') {
      select(this.#svg).call(this.#zoom.scaleBy, how === 'in' ? 1.4 : 1 / 1.4);
      return;
    }
    const [size, drawing] = [this.#size, this.#drawing];
    const scale = Math.min(1, size.width / drawing.width, size.height / drawing.height);
    const left = (size.width - drawing.width * scale) / 2;
    const top = (size.height - drawing.height * scale) / 2;
    this.#move(zoomIdentity.translate(left, top).scale(scale));
  }

  /** Moves the drawing so that a node is inside with room around it: to its middle if nothing of the node was to be seen. */
  #reveal(index: number): void {
    const place = placeOf(this.#groups[index]);
    const { width, height } = this.#size;
    const [left, top] = this.#transform.apply([place.x, place.y]);
    const isOutside = left < 0 || left > width || top < 0 || top > height;
    const [roomX, roomY] = isOutside
      ? [width / 2, height / 2]
      : [Math.min(150, width / 2), Math.min(90, height / 2)];
    const dx = Math.min(Math.max(left, roomX), width - roomX) - left;
    const dy = Math.min(Math.max(top, roomY), height - roomY) - top;
    const { k } = this.#transform;
    if (dx !== 0 || dy !== 0) select(this.#svg).call(this.#zoom.translateBy, dx / k, dy / k);
  }
}

/** Where a node is in the drawing. */
function placeOf(group: SVGGElement): { x: number; y: number } {
  const { e, f } = group.transform.baseVal.consolidate()!.matrix;
  return { x: e, y: f };
}
