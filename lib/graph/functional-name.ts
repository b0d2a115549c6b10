/**
 * The operator that gives what an in-place one writes: `aten.relu.default` for `aten.relu_.default`. Other names come back
 * as they are.
 */
export function functionalName(target: string): string {
  return target.replace(/^(aten\.[a-z]\w*[^_])_\./, '$1.');
}
