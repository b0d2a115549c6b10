import { type BackendPattern, cat, flatten, matmul, mul, x86Backend } from '../../backend/index.ts';

/** The operators a pattern's first part is captured as; the recipe annotates the one that exports give. */
const capturedAs = ({ operator }: BackendPattern) => operator.operators[0];
const [MATMUL, MUL, CAT, FLATTEN] = [matmul, mul, cat, flatten].map(({ operators }) => operators[0]);

export { CAT, FLATTEN, MATMUL, MUL };

function operatorsOf(isMeant: (pattern: BackendPattern) => boolean): readonly string[] {
  return [...new Set(x86Backend.patterns.filter(isMeant).map(capturedAs))];
}

/**
 * Operators that give int8 when they take int8 and are worth it only between quantized operators: input and output share
 * parameters (`int8_in_int8_out_ops`, `propagation_quantizable_ops`).
 */
export const passThroughOperators = operatorsOf(
  ({ qparams, annotated }) => qparams === "input's" && annotated !== 'never',
);

/** What a global configuration quantizes (`default_quantizable_ops`). */
export const defaultOperators = operatorsOf(({ annotated }) => annotated === 'by default');

/** What can be quantized when asked for by name or type (`quantizable_ops`). */
export const quantizableOperators = operatorsOf(({ annotated }) => annotated !== 'never');

/** Module classes and functions by their last name, and the operator they are traced to. */
const operatorByType: ReadonlyMap<string, string> = new Map(
  x86Backend.patterns
    .filter(({ annotated }) => annotated !== 'never')
    .flatMap((pattern) =>
      pattern.operator.sources.map((source) => [source.split('.').at(-1)!, capturedAs(pattern)] as const),
    ),
);

/** A module class or function, or its name: `nn.Conv2d`, `F.maxPool2d`, `'torch.nn.Conv2d'`, `'max_pool2d'`. */
export type SourceType = string | { readonly name: string };

/**
 * The operator that a module class or function is traced to.
 * @throws Error that lists the types that can be configured, when this is none of them.
 */
export function operatorOfType(type: SourceType): string {
  const name = (typeof type === 'string' ? type : type.name).split('.').at(-1)!;
  const isFunction = /^[a-z]/.test(name);
  const key = isFunction ? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) : name;
  const operator = operatorByType.get(key);
  if (operator === undefined)
    throw new Error(
      `X86Quantizer cannot configure '${name}'; it can configure ${[...operatorByType.keys()].join(', ')}`,
    );
  return operator;
}
