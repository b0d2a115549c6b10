import type { Tensor } from '../../runtime/index.ts';
import { badRequest } from '../errors.ts';

/** One request for inference, whichever protocol it came by. */
export interface InferRequest {
  /** The client's; the answer repeats it. */
  readonly id: string | undefined;
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** Results that the client asks for, in the order of the answer; undefined: all. */
  readonly outputs: readonly { readonly name: string }[] | undefined;
  /** Triton's scheduling parameter: 1 is first; undefined: the usual one. */
  readonly priority: number | undefined;
}

/** What a request is answered with, whichever protocol it came by. */
export interface InferResponse {
  readonly modelName: string;
  readonly modelVersion: string;
  readonly id: string | undefined;
  readonly outputs: readonly NamedTensor[];
}

export interface NamedTensor {
  readonly name: string;
  readonly tensor: Tensor;
}

/**
 * The names of the outputs that a request wants, in the order of the answer.
 * @param names those that the model has.
 * @throws ProtocolError for one that the model does not have, or that is asked for twice.
 */
export function wantedOutputs({ outputs }: InferRequest, names: readonly string[]): readonly string[] {
  if (!outputs) return names;
  const seen = new Set<string>();
  return outputs.map(({ name }, i) => {
    if (!names.includes(name))
      throw badRequest(`outputs[${i}]: the model has no output '${name}'; it has ${names.join(', ')}`);
    if (seen.has(name)) throw badRequest(`outputs[${i}]: output '${name}' is asked for twice`);
    seen.add(name);
    return name;
  });
}
