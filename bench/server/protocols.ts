import { type HttpAnswer, HttpConnections } from './http-connection.ts';

/** One image, and what it is called by the model that takes it. */
export interface Image {
  readonly input: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Asks a server for what it makes of one of a few images, as often as wanted. */
export interface Asking {
  /** The bytes of the result, undefined if the server had too much to do. */
  ask(image: number): Promise<Buffer | undefined>;
  close(): void;
}

/** How requests are written: each image once, before anything is measured. */
type Encode = (url: URL, image: Image) => Buffer;

const httpRequest = ({ host, pathname }: URL, headers: readonly string[], body: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from(
      [
        `POST ${pathname} HTTP/1.1`,
        `Host: ${host}`,
        `Content-Length: ${body.length}`,
        ...headers,
        '',
        '',
      ].join('\r\n'),
    ),
    body,
  ]);

const bytesOf = ({ data }: Image): Buffer => Buffer.from(data.buffer, data.byteOffset, data.byteLength);

const restJson: Encode = (url, { input, shape, data }) => {
  const tensor = { name: input, datatype: 'FP32', shape, data: Array.from(data) };
  return httpRequest(
    url,
    ['Content-Type: application/json'],
    Buffer.from(JSON.stringify({ inputs: [tensor] })),
  );
};

const restBinary: Encode = (url, image) => {
  const bytes = bytesOf(image);
  const { input: name, shape } = image;
  const tensor = { name, datatype: 'FP32', shape, parameters: { binary_data_size: bytes.length } };
  const json = JSON.stringify({ inputs: [tensor], parameters: { binary_data_output: true } });
  // The header's end and the numbers lie on addresses that are multiples of 4, as clients take care of.
  const header = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8));
  const headers = [
    'Content-Type: application/octet-stream',
    `Inference-Header-Content-Length: ${header.length}`,
  ];
  return httpRequest(url, headers, Buffer.concat([header, bytes]));
};

/** Nothing but the numbers. */
const plainBinary: Encode = (url, image) =>
  httpRequest(url, ['Content-Type: application/octet-stream'], bytesOf(image));

const encodings: Readonly<Record<string, Encode>> = {
  'rest-json': restJson,
  'rest-binary': restBinary,
  'plain-binary': plainBinary,
};

function askByHttp(encode: Encode, url: URL, images: readonly Image[]): Asking {
  const connections = new HttpConnections(url);
  const requests = images.map((image) => encode(url, image));
  return {
    ask: async (image) => resultOf(await connections.ask(requests[image])),
    close: () => connections.close(),
  };
}

function resultOf({ status, body }: HttpAnswer): Buffer | undefined {
  if (status === 429) return undefined;
  if (status !== 200) throw new Error(`the server answers with status ${status}: ${body.toString()}`);
  return body;
}

/** The protocols that the client speaks. */
export const protocols: readonly string[] = Object.keys(encodings);

/**
 * @param url where the model takes requests.
 * @throws Error when there is no such protocol.
 */
export function asking(protocol: string, url: string, images: readonly Image[]): Asking {
  const encode = encodings[protocol];
  if (!encode)
    throw new Error(`there is no protocol '${protocol}'; those there are: ${protocols.join(', ')}`);
  return askByHttp(encode, new URL(url), images);
}
