/**
 * Where somebody speaks in a stream of sound, printed as soon as it is known:
 *
 *     npx tsx examples/voice-activity/main.ts recording.wav
 *     arecord -f S16_LE -r 16000 | npx tsx examples/voice-activity/main.ts
 *     npx tsx examples/voice-activity/main.ts --model silero_vad_v5.onnx recording.wav
 *
 * The network is an ONNX file with an LSTM, quantized dynamically to 8-bit integers. Its state is kept by the caller, a stream
 * a detector, and handed back with the next frame. The one that is made here knows made-up voices alone; Silero's, which the
 * npm package @ricky0123/vad-web has, knows real ones.
 */
import { createReadStream } from 'node:fs';
import { parseArgs } from 'node:util';
import { type CompiledModel, loadOnnx, quantizeDynamic } from 'octavo';
import { VoiceDetector } from './detector.ts';
import { CONTEXT, FRAME, framesOf, RATE } from './frames.ts';
import { type Segment, segmentsOf } from './segments.ts';
import { trainedNetwork } from './training.ts';

/** What Silero's file leaves open: one stream, and the context before each frame. */
const silero = { input: [1, CONTEXT + FRAME], state: [2, 1, 128] };

/**
 * A network in int8, on one thread: a frame is less than a tenth of a millisecond's work.
 * @param file the path of Silero's, or the bytes of the one that this example makes.
 */
export async function voiceNetwork(file: string | Uint8Array): Promise<CompiledModel> {
  const options = typeof file === 'string' ? { bind: { sr: RATE }, shapes: silero } : {};
  return quantizeDynamic(await loadOnnx(file, options), { streams: 1, threadsPerStream: 1 });
}

/** The stretches of a stream in which somebody speaks. */
export async function* speechIn(
  stream: AsyncIterable<Uint8Array>,
  model: CompiledModel,
): AsyncGenerator<Segment> {
  const detector = new VoiceDetector(model);
  async function* probabilities() {
    for await (const frame of framesOf(stream)) yield detector.next(frame);
  }
  yield* segmentsOf(probabilities());
}

if (import.meta.filename === process.argv[1]) {
  const { values, positionals } = parseArgs({
    options: { model: { type: 'string' } },
    allowPositionals: true,
  });
  using model = await voiceNetwork(values.model ?? (await trainedNetwork()));
  const stream = positionals[0] ? createReadStream(positionals[0]) : process.stdin;
  for await (const { from, to } of speechIn(stream, model))
    console.log(`speech from ${from.toFixed(2)} s to ${to.toFixed(2)} s`);
}
