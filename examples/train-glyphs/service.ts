import { createServer, type Server } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { CompiledModel } from 'octavo/runtime';
import sharp from 'sharp';
import { characters, size } from './draw.ts';
import { classOf, imagesOf } from './images.ts';

/** Larger bodies are no pictures of one character. */
const mostBytes = 1 << 20;

/** Answers POST /classify, whose body is a JPEG, PNG or WebP image of one character, with what it shows. */
export function glyphService(model: CompiledModel): Server {
  return createServer(async (request, response) => {
    const answer = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    try {
      if (request.method !== 'POST' || request.url !== '/classify')
        return answer(404, { error: 'there is POST /classify' });
      if (!(Number(request.headers['content-length']) <= mostBytes))
        return answer(413, { error: `the body must say its length, ${mostBytes} bytes at most` });
      const pixels = await pixelsOf(await buffer(request));
      const [logits] = Object.values(await model.run({ x: imagesOf({ pixels }) }));
      return answer(200, { character: characters[classOf(logits, 0)] });
    } catch (error) {
      return answer(400, { error: (error as Error).message });
    }
  });
}

/** Three planes of the network's size. */
async function pixelsOf(image: Buffer): Promise<Uint8Array> {
  const { data } = await sharp(image)
    .resize(size, size, { fit: 'fill' })
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const planes = new Uint8Array(data.length);
  const plane = size * size;
  for (let i = 0; i < planes.length; i++) planes[i] = data[(i % plane) * 3 + Math.floor(i / plane)];
  return planes;
}
