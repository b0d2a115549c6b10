/** Where a line about a request belongs. Probes come every few seconds, and say something only when they fail. */
export function requestLevel(status: number, isProbe: boolean): 'debug' | 'info' | 'warn' | 'error' {
  if (isProbe) return 'debug';
  if (status >= 500) return status === 503 ? 'warn' : 'error';
  return status === 429 ? 'warn' : 'info';
}
