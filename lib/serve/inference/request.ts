import type { Tensor } from '../../runtime/index.ts';
import { badRequest } from '../errors.ts';
import type { Scheduling } from './scheduling.ts';

/** One request for inference, whichever protocol it came by. */
export interface InferRequest {
  /** The client's; the answer repeats it. */
  readonly id: string | undefined;
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** Results that the client asks for, in the order of the answer; undefined: all. */
  readonly outputs: readonly { readonly name: string }[] | undefined;
  readonly scheduling: Scheduling;
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

/** Names are repeated in messages. */
const longestName = 1024;

/**
 * The inputs of a request by name.
 * @param given reads an input when its turn comes: none is read in vain.
 * @throws ProtocolError when there is none, or one has no name, or another's.
 */
export function inputsByName(
  given: readonly { readonly name: string; readonly read: () => Tensor }[],
): Readonly<Record<string, Tensor>> {
  if (given.length === 0) throw badRequest('inputs must hold at least one tensor');
  const inputs = new Map<string, Tensor>();
  for (const [i, { name, read }] of given.entries()) {
    checkName(name, `inputs[${i}]`);
    if (inputs.has(name)) throw badRequest(`inputs[${i}]: there are two inputs '${name}'`);
    inputs.set(name, read());
  }
  return Object.fromEntries(inputs);
}

/** @throws ProtocolError for a name that no tensor has, or that messages cannot repeat. */
export function checkName(name: string, where: string): void {
  if (name === '' || name.length > longestName)
    throw badRequest(`name of ${where} must be a string of 1 to ${longestName} characters`);
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
    checkName(name, `outputs[${i}]`);
    if (!names.includes(name))
      throw badRequest(`outputs[${i}]: the model has no output '${name}'; it has ${names.join(', ')}`);
    if (seen.has(name)) throw badRequest(`outputs[${i}]: output '${name}' is asked for twice`);
    seen.add(name);
    return name;
  });
}
