import type { Tensor } from '../../runtime/index.ts';
import { badRequest } from '../errors.ts';
import { type InferRequest, inputsByName } from '../inference/request.ts';
import { schedulingOf } from '../inference/scheduling.ts';
import { datatypeIn, elementCount, tensorOfBytes } from '../inference/tensors.ts';
import { readContents } from './contents.ts';
import type { InferInputTensor, ModelInferRequest } from './messages.ts';

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
  return {
    id: id === '' ? undefined : id,
    inputs: inputsByName(given),
    outputs: outputs.length === 0 ? undefined : outputs,
    isRaw,
    scheduling: schedulingOf(parameters),
  };
}

function readInput(
  { datatype: name, shape, contents }: InferInputTensor,
  bytes: Uint8Array | undefined,
  i: number,
): Tensor {
  const where = `inputs[${i}]`;
  const datatype = datatypeIn(name, where);
  const count = elementCount(shape, datatype, where);
  if (!bytes) return readContents(contents, datatype, shape, count, where);
  if (contents.some(({ length }) => length > 0))
    throw badRequest(`${where} has both contents and raw_input_contents; it needs one of them`);
  if (bytes.length !== count * datatype.bytes)
    throw badRequest(
      `raw_input_contents[${i}] must have ${count * datatype.bytes} bytes, those of ${name} [${shape.join(', ')}], got ${bytes.length}`,
    );
  return tensorOfBytes(datatype, bytes, shape, where);
}
