import { type Content, html, type Markup } from './html.ts';

/** A table's cell: what it shows, and what it is sorted by where that is another thing. */
export interface Cell {
  readonly content: Content;
  readonly sortBy?: number | string;
}

/** A column: its heading, and whether it holds numbers. */
export interface Column {
  readonly heading: string;
  readonly isNumber?: boolean;
  /** How the rows are in order already. */
  readonly sorted?: 'ascending' | 'descending';
}

/** A table that the page's script can sort by each column, in a region that scrolls where it is wider than the page. */
export function sortableTable(
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
): Markup {
  const heading = ({ heading: text, isNumber, sorted }: Column) =>
    html`<th scope="col" class="${isNumber ? 'number' : ''}" aria-sort="${sorted ?? 'none'}"><button type="button">${text}</button></th>`;
  const cell = ({ content, sortBy = '' }: Cell, column: number) =>
    column === 0
      ? html`<th scope="row" data-sort="${sortBy}">${content}</th>`
      : html`<td class="${columns[column].isNumber ? 'number' : ''}" data-sort="${sortBy}">${content}</td>`;
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table class="sortable">
<caption>${caption}</caption>
<thead><tr>${columns.map(heading)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map(cell)}</tr>\n`)}</tbody>
</table></div>`;
}

/** A bar as long as a share, 0 to 1. For the eye only: the number stands in a cell beside it. */
export const bar = (share: number): Markup =>
  html`<span class="bar" aria-hidden="true"><span style="--share:${Math.min(1, Math.max(0, share)).toFixed(3)}"></span></span>`;

/** Names a node, and shows it in the network. */
export const nodeButton = (index: number, title: string): Markup =>
  html`<button type="button" class="node-link" data-select="${index}">${title}</button>`;
