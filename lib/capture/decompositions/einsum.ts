import { type Arguments, type Node, staticDim } from '../../graph/index.ts';
import { Contraction, type Labelled } from './contraction.ts';
import { type Add, type Call, type DecompositionDefinition, metaOf, same } from './decomposition.ts';

const EINSUM = 'aten.einsum.default';

/** The names of an operand's extents; what an ellipsis stands for is numbered from the end: `...2`, `...1`. */
function labelsOf(subscripts: string, rank: number, equation: string): string[] {
  const [before, after, ...more] = subscripts.split('...');
  const named = [...before, ...(after ?? '')];
  if (more.length > 0 || named.some((label) => !/[a-zA-Z]/.test(label)))
    throw new Error(`${EINSUM}: '${subscripts}' of '${equation}' must be letters, with one ellipsis at most`);
  const free = rank - named.length;
  if (free < 0 || (free > 0 && after === undefined))
    throw new Error(`${EINSUM}: '${subscripts}' of '${equation}' does not name ${rank} extents`);
  const ellipsis = Array.from({ length: free }, (_, i) => `...${free - i}`);
  return [...before, ...ellipsis, ...(after ?? '')];
}

/** Without an arrow: the ellipsis, then the letters that are there once, in the alphabet's order. */
function impliedOutput(all: readonly string[]): string[] {
  const once = all.filter(
    (label) => label.length === 1 && all.filter((other) => other === label).length === 1,
  );
  return [...ellipsisOf(all), ...once.sort()];
}

const ellipsisOf = (all: readonly string[]): string[] =>
  [...new Set(all.filter((label) => label.length > 1))].sort(
    (a, b) => Number(b.slice(3)) - Number(a.slice(3)),
  );

function outputLabels(text: string | undefined, all: readonly string[], equation: string): string[] {
  if (text === undefined) return impliedOutput(all);
  const ellipsis = ellipsisOf(all);
  const labels = text.includes('...')
    ? labelsOf(text, text.replace('...', '').length + ellipsis.length, equation)
    : [...text];
  const unknown = labels.find((label) => !all.includes(label));
  if (unknown !== undefined || new Set(labels).size < labels.length)
    throw new Error(
      `${EINSUM}: the result '${text}' of '${equation}' must have letters of the operands, each once`,
    );
  return labels;
}

/** A label that is there twice stands for the diagonal of two extents. */
function withoutRepeats(add: Add, { node, labels }: Labelled): Labelled {
  const first = labels.findIndex((label, i) => labels.indexOf(label, i + 1) >= 0);
  if (first < 0) return { node, labels };
  const label = labels[first];
  const second = labels.indexOf(label, first + 1);
  const others = labels.filter((_, i) => i !== first && i !== second);
  const axes = labels.flatMap((_, i) => (i === first || i === second ? [] : [i]));
  const last = others.length;
  const apart = add('aten.permute.default', node, [...axes, first, second]);
  const { shape } = metaOf(apart, EINSUM);
  const [rows, columns] = shape.slice(-2).map((extent) => staticDim(extent, EINSUM));
  if (rows !== columns)
    throw new Error(`${EINSUM}: '${label}' stands for extents of ${rows} and ${columns} of one operand`);
  const joined = add('aten.flatten.using_ints', apart, last, last + 1);
  const diagonal = add('aten.slice.Tensor', joined, last, 0, rows * rows, rows + 1);
  return withoutRepeats(add, { node: diagonal, labels: [...others, label] });
}

/**
 * Operands are multiplied from the left to the right, each time added up over what neither the result nor an operand that is
 * still to come has.
 *
 *     einsum('bij,bjk,kl->bil', x, y, z)   ⇒   matmul(matmul(x, y), z)
 */
function einsum(add: Add, args: Arguments<Node>): Call {
  const equation = args.string('equation').replaceAll(' ', '');
  const [inputs, output, ...more] = equation.split('->');
  const operands = args.tensors('tensors');
  const subscripts = inputs.split(',');
  if (more.length > 0 || subscripts.length !== operands.length)
    throw new Error(`${EINSUM}: '${equation}' does not describe ${operands.length} tensors`);
  const labels = operands.map((node, i) =>
    labelsOf(subscripts[i], metaOf(node, EINSUM).shape.length, equation),
  );
  const wanted = outputLabels(output, labels.flat(), equation);
  const tensors = operands.map((node, i) => withoutRepeats(add, { node, labels: labels[i] }));
  const contraction = new Contraction(add, EINSUM);
  const [first, ...others] = tensors;
  const product = others.reduce((sum, tensor, i) => {
    const later = others.slice(i + 1).flatMap((other) => other.labels);
    return contraction.product(sum, tensor, new Set([...wanted, ...later]));
  }, first);
  const rest = product.labels.filter((label) => !wanted.includes(label));
  return same(contraction.permuted(contraction.summed(product, rest), wanted).node);
}

/** Sums of products by Einstein's convention (counterpart: `torch.einsum`). */
export const einsumDecompositions: readonly DecompositionDefinition[] = [
  {
    schema: 'aten::einsum(str equation, Tensor[] tensors, *, int[]? path=None) -> Tensor',
    decompose: einsum,
  },
];
