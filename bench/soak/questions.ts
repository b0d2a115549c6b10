import { loadModel, Tensor } from '../../lib/runtime/index.ts';
import { pseudoRandom } from '../pseudo-random.ts';

/** A request, and the bytes at the end of its answer. */
export interface Question {
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body: Buffer;
  readonly answer: Buffer;
}

/** So many that an answer to another one is likely to be noticed. */
const count = 8;

/** Requests for a model of one input and one output, one sample each, with what `run` gives for them alone. */
export async function questionsFor(file: string): Promise<readonly Question[]> {
  using model = await loadModel(file);
  const [{ name, shape }] = model.inputs;
  const sample = shape.map((extent) => (typeof extent === 'number' ? extent : 1));
  const length = sample.reduce((a, b) => a * b, 1);
  const questions: Question[] = [];
  for (let seed = 1; seed <= count; seed++) {
    const x = new Tensor('float32', pseudoRandom(length, seed), sample);
    const [y] = Object.values(await model.run(x));
    const json = Buffer.from(
      JSON.stringify({
        inputs: [{ name, shape: sample, datatype: 'FP32', parameters: { binary_data_size: x.byteLength } }],
        parameters: { binary_data_output: true },
      }),
    );
    const body = Buffer.concat([json, bytesOf(x)]);
    const headers = {
      'content-type': 'application/octet-stream',
      'content-length': body.length,
      'inference-header-content-length': json.length,
    };
    questions.push({ headers, body, answer: bytesOf(y) });
  }
  return questions;
}

const bytesOf = ({ data }: Tensor) => Buffer.from(data.buffer, data.byteOffset, data.byteLength);
