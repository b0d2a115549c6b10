import { createRequire } from 'node:module';
import { markdownTable } from 'markdown-table';
import { cpuFeatures } from '../lib/index.ts';
import { geometricMean } from './statistics.ts';

/** What the figures were measured on and with. */
export interface Setup {
  readonly cpu: string;
  readonly cores: number;
  /** The widest instruction set that oneDNN uses. */
  readonly isa: string;
  readonly oneDnn: string;
  readonly onnxRuntime: string;
  readonly node: string;
}

export function setupHere(): Setup {
  const { brand, vendor, cores, oneDnn } = cpuFeatures();
  const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json');
  const { isa, version: oneDnnVersion } = oneDnn;
  return {
    ...{ cpu: brand || vendor, cores, isa, oneDnn: oneDnnVersion },
    ...{ onnxRuntime: version, node: process.version },
  };
}

export const formatSetup = ({ cpu, cores, isa, oneDnn, onnxRuntime, node }: Setup): string =>
  `${cpu}, ${cores} cores, ${isa}; oneDNN ${oneDnn}, onnxruntime-node ${onnxRuntime}, Node ${node}`;

/** One line of a table: what was measured, medians and ratios by column, and what disturbed. */
export interface Row {
  readonly what: Readonly<Record<string, string | number>>;
  readonly milliseconds: Readonly<Record<string, number>>;
  readonly ratios: Readonly<Record<string, number>>;
  /** Cores that other processes kept busy. */
  readonly otherLoad: number;
}

/** Rows as markdown, with the geometric means of their ratios below them. What a row lacks stays blank. */
export function formatTable(rows: readonly Row[]): string {
  const what = columnsOf(rows.map((row) => row.what));
  const milliseconds = columnsOf(rows.map((row) => row.milliseconds));
  const means = geometricMeans(rows);
  const heading = [...what, ...milliseconds, ...Object.keys(means), 'other load'];
  const cell = (value: number | undefined, format: (value: number) => string) =>
    value === undefined ? '' : format(value);
  const lines = rows.map((row) => [
    ...what.map((name) => String(row.what[name] ?? '')),
    ...milliseconds.map((name) => cell(row.milliseconds[name], formatTime)),
    ...Object.keys(means).map((name) => cell(row.ratios[name], formatRatio)),
    row.otherLoad.toFixed(2),
  ]);
  const blank = what.length - 1 + milliseconds.length;
  const last = ['geometric mean', ...Array<string>(blank).fill('')];
  const align = heading.map((_, column) => (column === 0 ? 'l' : 'r'));
  return markdownTable([heading, ...lines, [...last, ...Object.values(means).map(formatRatio), '']], {
    align,
  });
}

/** The names in all parts, in the order in which they come first. */
function columnsOf(parts: readonly Readonly<Record<string, unknown>>[]): readonly string[] {
  return [...new Set(parts.flatMap(Object.keys))];
}

/** Of each ratio, over the rows that have it. */
export function geometricMeans(rows: readonly Row[]): Record<string, number> {
  const names = columnsOf(rows.map(({ ratios }) => ratios));
  const having = (name: string) => rows.flatMap(({ ratios }) => ratios[name] ?? []);
  return Object.fromEntries(names.map((name) => [name, geometricMean(having(name))]));
}

/** Milliseconds in three digits or so. */
export const formatTime = (ms: number): string =>
  ms < 0.9995 ? `${(1000 * ms).toFixed(0)} us` : `${ms.toFixed(ms < 10 ? 2 : 1)} ms`;

const formatRatio = (ratio: number) => `${ratio.toFixed(2)}x`;
