import type { ReportFacts } from '../facts.ts';
import { Details } from './details.ts';
import { GraphView } from './graph-view.ts';
import { rooflinePlot } from './plots.ts';
import { Search } from './search.ts';
import { makeSortable } from './sorting.ts';

/** The page's script: it makes the graph move, tables sort, and shows what is known of the selected node. */
const facts = JSON.parse(document.getElementById('facts')!.textContent!) as ReportFacts;
const details = new Details(facts, document.getElementById('details')!);
const view = new GraphView(facts.nodes, (index) => details.show(index));
new Search(facts, view);

for (const table of document.querySelectorAll<HTMLTableElement>('table.sortable')) makeSortable(table);

document.addEventListener('click', ({ target }) => {
  const button = (target as Element).closest<HTMLElement>('[data-select]');
  if (!button) return;
  view.select(Number(button.dataset.select));
  const panel = document.getElementById('details')!;
  // Where both do not fit on the screen, the details stand below the graph.
  const isNarrow = matchMedia('(max-width: 820px)').matches;
  (isNarrow ? panel : document.getElementById('network')!).scrollIntoView();
  panel.focus({ preventScroll: true });
});

for (const radio of document.querySelectorAll<HTMLInputElement>('input[name=meter]'))
  radio.addEventListener('change', () => view.showMeter(radio.value));

const roofline = document.getElementById('roofline');
// Far down the page: drawn when there is time.
if (roofline)
  setTimeout(() =>
    roofline.replaceChildren(rooflinePlot(facts, roofline.clientWidth, (index) => view.select(index))),
  );
