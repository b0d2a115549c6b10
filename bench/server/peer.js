import fastify from 'fastify';
import { InferenceSession, Tensor } from 'onnxruntime-node';

/**
 * What one would write by hand: a network of one input and one output, run by ONNX Runtime behind fastify. `POST /binary` takes
 * numbers and answers with numbers; `POST /json` does so in the form of the Open Inference Protocol.
 */
export async function peerServer({ file, threads, shape }) {
  const session = await InferenceSession.create(file, {
    executionProviders: ['cpu'],
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
  });
  const [input] = session.inputNames;
  const [output] = session.outputNames;
  const run = async (data) => {
    const results = await session.run({ [input]: new Tensor('float32', data, shape) });
    return results[output].data;
  };
  const app = fastify({ bodyLimit: 64 * 2 ** 20 });
  app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  );
  app.post('/binary', async ({ body }, reply) => {
    const scores = await run(new Float32Array(body.buffer, body.byteOffset, body.byteLength / 4));
    reply.type('application/octet-stream');
    return Buffer.from(scores.buffer, scores.byteOffset, scores.byteLength);
  });
  app.post('/json', async ({ body }) => {
    const scores = await run(Float32Array.from(body.inputs[0].data));
    const data = Array.from(scores);
    return { outputs: [{ name: output, datatype: 'FP32', shape: [shape[0], data.length / shape[0]], data }] };
  });
  return app;
}
