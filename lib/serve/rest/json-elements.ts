import type { TensorData } from '../../runtime/index.ts';
import { badRequest, quote } from '../errors.ts';
import type { Datatype } from '../inference/datatypes.ts';

/**
 * A tensor's elements from JSON: one flat array, or arrays nested as its shape says. Goes no deeper than the shape, and no
 * further than the first error.
 * @param where the input, for messages.
 * @throws ProtocolError that says which array has another length, or which element the datatype does not have.
 */
export function readElements(
  data: readonly unknown[],
  { name, array, fromJson }: Datatype,
  shape: readonly number[],
  where: string,
): TensorData {
  if (!fromJson) throw badRequest(`${where}: ${name} has no numbers in JSON; send it as binary data`);
  const count = shape.reduce((product, extent) => product * extent, 1);
  const isNested = shape.length > 1 && Array.isArray(data[0]);
  // Before memory is taken for what has not been sent.
  if (!isNested && data.length !== count)
    throw badRequest(`${where}.data holds ${data.length} elements, its shape ${count}`);
  if (isNested) checkNesting(data, shape, where);
  const elements = array(count);
  let next = 0;
  const read = (list: readonly unknown[], depth: number): void => {
    for (const each of list) {
      if (depth > 1) {
        read(each as readonly unknown[], depth - 1);
        continue;
      }
      const element = fromJson(each);
      if (element === undefined)
        throw badRequest(`${where}.data: element ${next}, ${quote(each)}, is no ${name}`);
      elements[next++] = element;
    }
  };
  read(data, isNested ? shape.length : 1);
  return elements;
}

/** That there are arrays of the right lengths down to the last dimension. */
function checkNesting(list: unknown, [extent, ...inner]: readonly number[], where: string, at = ''): void {
  if (!Array.isArray(list) || list.length !== extent)
    throw badRequest(
      `${where}.data${at} must be an array of ${extent}, as the shape says, got ${Array.isArray(list) ? `one of ${list.length}` : quote(list)}`,
    );
  if (inner.length === 0) return;
  for (const [i, each] of list.entries()) checkNesting(each, inner, where, `${at}[${i}]`);
}
