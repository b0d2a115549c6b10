/** The value of a size's text, as Python would work it out: `2*s0 + (s1//2)`, `Max(0, s0 - 5)`. */
export function evaluateSize(text: string, symbols: Readonly<Record<string, number>>): number {
  let rest = text.replace(/\b[a-z]\w*\b/g, (symbol) => String(symbols[symbol]));
  // What is in the innermost parentheses first.
  while (rest.includes('(')) {
    const inner = /(Max|Min)?\(([^()]*)\)/.exec(rest)!;
    rest = rest.replace(inner[0], String(evaluateCall(inner[1], inner[2])));
  }
  return evaluateSum(rest);
}

function evaluateCall(name: string | undefined, inner: string): number {
  if (name === 'Max') return Math.max(...inner.split(', ').map(evaluateSum));
  if (name === 'Min') return Math.min(...inner.split(', ').map(evaluateSum));
  const [, left, operator, right] = /^(.+?) ?(\/\/|%|<=|>=|<|>|==|!=) ?(.+)$/.exec(inner) ?? [];
  if (!operator) return evaluateSum(inner);
  const [a, b] = [evaluateSum(left), evaluateSum(right)];
  const quotient = Math.floor(a / b);
  const results: Record<string, number> = {
    '//': quotient,
    '%': a - b * quotient,
    '<=': Number(a <= b),
    '>=': Number(a >= b),
    '<': Number(a < b),
    '>': Number(a > b),
    '==': Number(a === b),
    '!=': Number(a !== b),
  };
  return results[operator];
}

function evaluateSum(text: string): number {
  return text
    .replaceAll(' - ', ' + -')
    .split(' + ')
    .map((term) =>
      term
        .replace(/^--/, '')
        .split('*')
        .reduce((product, factor) => product * Number(factor), 1),
    )
    .reduce((a, b) => a + b, 0);
}
