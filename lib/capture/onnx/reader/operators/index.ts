import { type OperatorReader, type OperatorVersions, versionFor } from '../call.ts';
import type { FunctionLibrary } from '../functions.ts';
import type { NodeMessage } from '../messages.ts';
import { domainName } from '../model-file.ts';
import { describeNode } from '../ordered-nodes.ts';
import { activationReaders } from './activation.ts';
import { arithmeticReaders } from './arithmetic.ts';
import { attentionReaders } from './attention.ts';
import { choiceReaders } from './choice.ts';
import { comparisonReaders } from './comparison.ts';
import { constantReaders } from './constants.ts';
import { convolutionReaders } from './convolution.ts';
import { gridReaders } from './grid.ts';
import { indexingReaders } from './indexing.ts';
import { linearReaders } from './linear.ts';
import { movementReaders } from './movement.ts';
import { normalizationReaders } from './normalization.ts';
import { poolingReaders } from './pooling.ts';
import { dynamicQuantizationReaders } from './quantized/dynamic-quantization.ts';
import { matmulNBitsReaders } from './quantized/matmul-nbits.ts';
import { qlinearReaders } from './quantized/qlinear.ts';
import { quantizationReaders } from './quantized/quantize-linear.ts';
import { recurrentReaders } from './recurrent.ts';
import { reductionReaders } from './reduction.ts';
import { resizeReaders } from './resize.ts';
import { shapeReaders } from './shape.ts';

const readers: ReadonlyMap<string, OperatorVersions> = new Map(
  [
    activationReaders,
    arithmeticReaders,
    attentionReaders,
    choiceReaders,
    comparisonReaders,
    constantReaders,
    convolutionReaders,
    dynamicQuantizationReaders,
    gridReaders,
    indexingReaders,
    linearReaders,
    matmulNBitsReaders,
    movementReaders,
    normalizationReaders,
    poolingReaders,
    qlinearReaders,
    quantizationReaders,
    recurrentReaders,
    reductionReaders,
    resizeReaders,
    shapeReaders,
  ].flatMap((group) => Object.entries(group)),
);

/** Whether operators of that name are read, if a file has one. */
export const isRead = (name: string): boolean => name === 'If' || readers.has(name);

/** Operator sets of ONNX whose forms are known. */
const [oldest, newest] = [1, 25];

/** An operator's name with its domain, if that is not ONNX's own. */
export const nameOf = (domain: string, opType: string): string =>
  domain === '' ? opType : `${domain}.${opType}`;

/**
 * The reader of an operator in the form that an operator set gives it.
 * @throws Error when there is none.
 */
export function readerOf(domain: string, opType: string, opset: number): OperatorReader {
  const versions = readers.get(nameOf(domain, opType));
  if (!versions) throw new Error(`the operator is not supported`);
  if (domain === '' && (opset < oldest || opset > newest))
    throw new Error(`it is of operator set ${opset}; sets ${oldest} to ${newest} are read`);
  const reader = versionFor(versions, opset);
  if (!reader) throw new Error(`operator set ${opset} does not have this operator yet`);
  return reader;
}

const random = 'it is random: two requests of the same inputs would have different results';

/** Why operators are not read that could not be served. */
const reasons: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    [
      'Bernoulli',
      'Multinomial',
      'RandomNormal',
      'RandomNormalLike',
      'RandomUniform',
      'RandomUniformLike',
    ].map((name) => [name, random]),
  ),
};

/**
 * Refuses a model with operators that nothing here reads.
 * @throws Error that lists all of them, with a count each, the first node, and the reason if they could not be served.
 */
export function checkOperators(
  nodes: readonly NodeMessage[],
  opsets: ReadonlyMap<string, number>,
  functions: FunctionLibrary,
): void {
  const missing = new Map<string, NodeMessage[]>();
  for (const node of nodes) {
    const name = nameOf(domainName(node.domain), node.opType);
    if (isRead(name) || functions.find(node)) continue;
    missing.set(name, [...(missing.get(name) ?? []), node]);
  }
  if (missing.size === 0) return;
  const list = [...missing].map(
    ([name, found]) =>
      `\n    ${name} (${found.length}), first at ${describeNode(found[0])}` +
      (Object.hasOwn(reasons, name) ? `: ${reasons[name]}` : ''),
  );
  const version = opsets.get('') ?? 1;
  throw new Error(`operators that are not supported, of operator set ${version}:${list.join('')}`);
}
