import type { GraphModule } from '../../lib/graph/index.ts';
import { SymInt } from '../../lib/graph/index.ts';
import { Tensor } from '../../lib/index.ts';
import { GraphBuilder } from '../../test/support/graph-builder.ts';

/** Columns of `x`. */
export const width = 4;
/** Rows of the table, which are their numbers and the halves of these. */
export const rows = 8;
/** The row that a request's index chooses. */
export const rowOf = (index: number): readonly number[] => [index, index / 2];

/**
 * Doubles `x`, float32[n, 4], and looks up `index`, int64[n]: results that are known without a tolerance, and values that are refused.
 */
export function doublesAndRows(): GraphModule {
  const b = new GraphBuilder();
  const n = new SymInt(['n']);
  const x = b.input('x', [n, width]);
  const index = b.input('index', [n], 'int64');
  const table = Array.from({ length: rows }, (_, row) => rowOf(row)).flat();
  const stored = b.constant('table', Tensor.from('float32', table, [rows, 2]));
  return b.finish(b.call('aten.add.Tensor', x, x), b.call('aten.embedding.default', stored, index));
}

/** The names of its results. */
export const doubled = 'add_tensor';
export const looked = 'embedding_default';
