/** Sorts a table by the column whose heading is pressed; pressed again, the other way round. Cells without a value stay last. */
export function makeSortable(table: HTMLTableElement): void {
  const body = table.tBodies[0];
  const headings = [...table.tHead!.rows[0].cells];
  for (const [column, heading] of headings.entries())
    heading.querySelector('button')!.addEventListener('click', () => {
      const isDescending = heading.getAttribute('aria-sort') === 'ascending';
      for (const other of headings) other.setAttribute('aria-sort', 'none');
      heading.setAttribute('aria-sort', isDescending ? 'descending' : 'ascending');
      const keyOf = (row: HTMLTableRowElement) => row.cells[column].dataset.sort!;
      const rows = [...body.rows].sort((a, b) => compare(keyOf(a), keyOf(b), isDescending));
      body.append(...rows);
    });
}

function compare(a: string, b: string, isDescending: boolean): number {
  if (a === '' || b === '') return (a === '' ? 1 : 0) - (b === '' ? 1 : 0);
  const [x, y] = [Number(a), Number(b)];
  const order = Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b, 'en', { numeric: true }) : x - y;
  return isDescending ? -order : order;
}
