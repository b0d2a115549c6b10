import { markdownTable } from 'markdown-table';

/** Options every command takes. */
export interface GlobalOptions {
  readonly json?: boolean;
}

/**
 * Prints a command's result on stdout: one JSON document with `--json`, otherwise the text for people. Progress and
 * errors go to stderr, so stdout can be piped.
 */
export function printResult(options: GlobalOptions, result: unknown, text: () => string): void {
  process.stdout.write(`${options.json ? JSON.stringify(result, null, 2) : text()}\n`);
}

/** A table with its numbers to the right: first row of headings, first column of names. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const align = rows[0].map((_, column) => (column === 0 ? 'l' : 'r'));
  return markdownTable(rows, { align });
}

/** Bytes for people: `1.4 MB` (powers of ten). */
export function formatBytes(bytes: number): string {
  if (bytes < 1e3) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
