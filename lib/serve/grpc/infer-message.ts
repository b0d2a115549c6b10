import type { Reader } from 'protobufjs';
import { badRequest } from '../errors.ts';
import type { InferInputTensor, ModelInferRequest, ParameterValue } from './messages.ts';
import { eightBytes, packed, readInteger, readMessage, readString, sized, tagOf, varint } from './wire.ts';

/**
 * No model has so many inputs, nor a shape so many dimensions. Two bytes on the wire can stand for an object: without a limit a message
 * of some MiB would take all memory there is.
 */
const longestList = 4096;

/**
 * Reads a `ModelInferRequest` as far as its tensors, which stay where they are. By hand: a generated decoder would make an object of
 * each element.
 * @throws ProtocolError when it is no such message, or a list in it is too long.
 */
export function decodeInferRequest(bytes: Uint8Array): ModelInferRequest {
  const message = { modelName: '', modelVersion: '', id: '' };
  const parameters = new Map<string, ParameterValue>();
  const inputs: InferInputTensor[] = [];
  const outputs: { name: string }[] = [];
  const rawInputContents: Uint8Array[] = [];
  readMessage(bytes, {
    [tagOf(1, sized)]: (reader) => {
      message.modelName = readString(reader);
    },
    [tagOf(2, sized)]: (reader) => {
      message.modelVersion = readString(reader);
    },
    [tagOf(3, sized)]: (reader) => {
      message.id = readString(reader);
    },
    [tagOf(4, sized)]: (reader) => {
      const [name, value] = decodeParameter(reader.bytes());
      parameters.set(name, value);
      checkLength(parameters.size, 'parameters');
    },
    [tagOf(5, sized)]: (reader) => add(inputs, decodeInput(reader.bytes()), 'inputs'),
    [tagOf(6, sized)]: (reader) => add(outputs, { name: decodeName(reader.bytes()) }, 'outputs'),
    [tagOf(7, sized)]: (reader) => add(rawInputContents, reader.bytes(), 'raw_input_contents'),
  });
  return { ...message, parameters: Object.fromEntries(parameters), inputs, outputs, rawInputContents };
}

function add<T>(list: T[], item: T, name: string): void {
  list.push(item);
  checkLength(list.length, name);
}

function checkLength(length: number, name: string): void {
  if (length > longestList) throw badRequest(`${name} must hold no more than ${longestList} entries`);
}

function decodeInput(bytes: Uint8Array): InferInputTensor {
  const input = { name: '', datatype: '' };
  const shape: number[] = [];
  const contents: Uint8Array[] = [];
  const extent = (reader: Reader) => add(shape, readInteger(reader), 'shape');
  readMessage(bytes, {
    [tagOf(1, sized)]: (reader) => {
      input.name = readString(reader);
    },
    [tagOf(2, sized)]: (reader) => {
      input.datatype = readString(reader);
    },
    [tagOf(3, varint)]: extent,
    [tagOf(3, sized)]: packed(extent),
    [tagOf(5, sized)]: (reader) => add(contents, reader.bytes(), 'contents'),
  });
  return { ...input, shape, contents };
}

/** The name of an output: its parameters have nothing that is known here. */
function decodeName(bytes: Uint8Array): string {
  let name = '';
  readMessage(bytes, {
    [tagOf(1, sized)]: (reader) => {
      name = readString(reader);
    },
  });
  return name;
}

/** An entry of the map: a name and an `InferParameter`. */
function decodeParameter(bytes: Uint8Array): [name: string, value: ParameterValue] {
  let name = '';
  let value: ParameterValue;
  readMessage(bytes, {
    [tagOf(1, sized)]: (reader) => {
      name = readString(reader);
    },
    [tagOf(2, sized)]: (reader) => {
      value = decodeValue(reader.bytes());
    },
  });
  return [name, value];
}

/** The choice that was sent last. */
function decodeValue(bytes: Uint8Array): ParameterValue {
  let value: ParameterValue;
  const keep = (read: (reader: Reader) => ParameterValue) => (reader: Reader) => {
    value = read(reader);
  };
  readMessage(bytes, {
    [tagOf(1, varint)]: keep((reader) => reader.bool()),
    [tagOf(2, varint)]: keep(readInteger),
    [tagOf(3, sized)]: keep(readString),
    [tagOf(4, eightBytes)]: keep((reader) => reader.double()),
    [tagOf(5, varint)]: keep(readInteger),
  });
  return value;
}
