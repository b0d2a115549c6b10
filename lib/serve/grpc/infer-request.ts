import { Tensor } from '../../runtime/index.ts';
import { badRequest } from '../errors.ts';
import { type InferRequest, inputsByName } from '../inference/request.ts';
import { schedulingOf } from '../inference/scheduling.ts';
import { datatypeIn, elementCount, tensorOfBytes } from '../inference/tensors.ts';
import { isListed, readContents } from './contents.ts';
import type { InferInputTensor, InferParameter, Long, ModelInferRequest } from './messages.ts';

/** A request for inference as gRPC has it. */
export interface GrpcInferRequest extends InferRequest {
  /** Whether its tensors are bytes; the answer's are then, too. */
  readonly isRaw: boolean;
}

/**
 * Reads an infer request. Bytes of `raw_input_contents` that lie aligned for their datatype are used in place.
 * @throws ProtocolError that names the field.
 */
export function readInferRequest(message: ModelInferRequest): GrpcInferRequest {
  const { id, inputs, outputs, parameters, rawInputContents: raw } = message;
  const isRaw = raw.length > 0;
  if (isRaw && raw.length !== inputs.length)
    throw badRequest(
      `raw_input_contents must hold the bytes of all ${inputs.length} inputs, or none; it has ${raw.length} entries`,
    );
  const given = inputs.map((input, i) => ({
    name: input.name,
    read: () => readInput(input, isRaw ? raw[i] : undefined, i),
  }));
  const plain = Object.entries(parameters).map(([name, value]) => [name, plainValue(value)]);
  return {
    id: id === '' ? undefined : id,
    inputs: inputsByName(given),
    outputs: outputs.length === 0 ? undefined : outputs,
    isRaw,
    scheduling: schedulingOf(Object.fromEntries(plain)),
  };
}

function readInput(
  { datatype: name, shape: extents, contents }: InferInputTensor,
  bytes: Uint8Array | undefined,
  i: number,
): Tensor {
  const where = `inputs[${i}]`;
  const datatype = datatypeIn(name, where);
  const shape = extents.map(numberOf);
  const count = elementCount(shape, datatype, where);
  if (bytes) {
    if (contents && isListed(contents))
      throw badRequest(`${where} has both contents and raw_input_contents; it needs one of them`);
    if (bytes.length !== count * datatype.bytes)
      throw badRequest(
        `raw_input_contents[${i}] must be ${count * datatype.bytes} bytes, those of ${name} [${shape.join(', ')}], got ${bytes.length}`,
      );
    return tensorOfBytes(datatype, bytes, shape, where);
  }
  if (!contents) throw badRequest(`${where} has neither contents nor raw_input_contents`);
  return new Tensor(datatype.dtype, readContents(contents, datatype, count, where), shape);
}

/** Exact up to 2^53: what is more is no size of anything. */
const numberOf = ({ low, high, unsigned }: Long): number =>
  (unsigned ? high >>> 0 : high) * 2 ** 32 + (low >>> 0);

/** A parameter as JSON would have it. */
function plainValue(parameter: InferParameter): boolean | number | string | undefined {
  const { parameterChoice } = parameter;
  if (parameterChoice === undefined) return undefined;
  const value = parameter[parameterChoice];
  return typeof value === 'object' ? numberOf(value) : value;
}
