import type { PoolingProblem, WindowedPool } from './problem.ts';

/** Rows or columns that one output looks at: those inside the image, and how many there are with the padding's. */
interface Span {
  readonly first: number;
  readonly end: number;
  readonly withPadding: number;
}

/** Pools row-major images by PyTorch's definition, in float64. */
export function exactPool({ shape, pool }: PoolingProblem, x: Float64Array) {
  const [batch, channels, height, width] = shape;
  const [rows, columns] = [spansOf(pool, 0, height), spansOf(pool, 1, width)];
  const values = new Float64Array(batch * channels * rows.length * columns.length);
  let at = 0;
  for (let image = 0; image < batch * channels; image++)
    for (const row of rows)
      for (const column of columns) {
        let [sum, largest] = [0, -Infinity];
        for (let y = row.first; y < row.end; y++)
          for (let z = column.first; z < column.end; z++) {
            const value = x[(image * height + y) * width + z];
            sum += value;
            largest = Math.max(largest, value);
          }
        const inside = (row.end - row.first) * (column.end - column.first);
        const countsPadding = pool.operator === 'average' && pool.countIncludePad;
        const count = countsPadding ? row.withPadding * column.withPadding : inside;
        values[at++] = pool.operator === 'max' ? largest : sum / count;
      }
  return { values, shape: [batch, channels, rows.length, columns.length] };
}

function spansOf(pool: PoolingProblem['pool'], axis: 0 | 1, extent: number): Span[] {
  if (pool.operator !== 'adaptive average') return windows(pool, axis, extent);
  const count = pool.output[axis];
  return Array.from({ length: count }, (_, i) => {
    const [first, end] = [Math.floor((i * extent) / count), Math.ceil(((i + 1) * extent) / count)];
    return { first, end, withPadding: end - first };
  });
}

function windows(pool: WindowedPool, axis: 0 | 1, extent: number): Span[] {
  const [kernel, stride, padding] = [pool.kernel[axis], pool.stride[axis], pool.padding[axis]];
  const steps = (extent + 2 * padding - kernel) / stride;
  const spans: Span[] = [];
  for (let i = 0; i <= (pool.ceilMode ? Math.ceil(steps) : Math.floor(steps)); i++) {
    const start = i * stride - padding;
    // In ceil mode too, a window has to start inside the image or its padding at the front.
    if (pool.ceilMode && start >= extent) break;
    // Beyond the padding, where ceil mode lets windows reach, nothing counts.
    const end = Math.min(start + kernel, extent + padding);
    spans.push({ first: Math.max(start, 0), end: Math.min(end, extent), withPadding: end - start });
  }
  return spans;
}
