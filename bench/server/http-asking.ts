import { type Asking, bytesOf, type Image } from './asking.ts';
import { type HttpAnswer, HttpConnections } from './http-connection.ts';

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

/** The forms of requests that there are over HTTP, by name. */
export const encodings: Readonly<Record<string, Encode>> = {
  'rest-json': restJson,
  'rest-binary': restBinary,
  'plain-binary': plainBinary,
};

export function askByHttp(encode: Encode, url: URL, images: readonly Image[]): Asking {
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
