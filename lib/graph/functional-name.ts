/**
 * The functional counterpart of an in-place operator: `aten.relu.default` for `aten.relu_.default`. Other names are
 * returned unchanged.
 */
export function functionalName(target: string): string {
  return target.replace(/^(aten\.[a-z]\w*[^_])_\./, '$1.');
}
