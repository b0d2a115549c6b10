import { answerMessages } from '../asked-process.ts';
import { pseudoRandom } from '../pseudo-random.ts';
import type { ClientMessage, Target } from './client.ts';
import { offerClosedLoad, offerOpenLoad, type Send } from './offer-load.ts';
import { Pacemaker } from './pacemaker.ts';
import { asking } from './protocols.ts';

/** The process behind a LoadClient. */

/** So many that a result of another image than its own is likely to be noticed. */
const imageCount = 4;

const pacemaker = new Pacemaker();
let send: Send | undefined;

async function connect({ protocol, url, input, shape }: Target): Promise<Send> {
  const length = shape.reduce((a, b) => a * b, 1);
  const images = Array.from({ length: imageCount }, (_, i) => ({
    ...{ input, shape, data: pseudoRandom(length, i + 1) },
  }));
  const { ask } = asking(protocol, url, images);
  const expected: Buffer[] = [];
  for (const i of images.keys()) {
    const result = await ask(i);
    if (!result) throw new Error('the server refuses a request that is the only one');
    expected.push(result);
  }
  let sent = 0;
  return async () => {
    const image = sent++ % imageCount;
    const result = await ask(image);
    if (result && !result.equals(expected[image]))
      throw new Error(`a result under load is not that of image ${image} alone`);
    return result !== undefined;
  };
}

async function answer(message: ClientMessage) {
  if (message.kind === 'connect') {
    send = await connect(message.target);
    return undefined;
  }
  if (message.kind === 'open') return offerOpenLoad(send!, message.load, pacemaker);
  return offerClosedLoad(send!, message.inFlight, message.milliseconds);
}

answerMessages(answer);
// Its connections would hold it.
process.once('disconnect', () => process.exit());
