import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VoiceDetector } from '../../examples/voice-activity/detector.ts';
import { FRAME, framesOf, RATE, wavOf } from '../../examples/voice-activity/frames.ts';
import { speechIn, voiceNetwork } from '../../examples/voice-activity/main.ts';
import { labelsOf, makeRecording } from '../../examples/voice-activity/recordings.ts';
import { segmentsOf } from '../../examples/voice-activity/segments.ts';
import { trainedNetwork } from '../../examples/voice-activity/training.ts';
import { type CompiledModel, compile, loadOnnx, lower } from '../../lib/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'octavo-voice-'));
let int8: CompiledModel;
let float: CompiledModel;
beforeAll(async () => {
  const network = await trainedNetwork();
  int8 = await voiceNetwork(network);
  float = compile(lower(await loadOnnx(network)).module, { threadsPerStream: 1 });
}, 60_000);
afterAll(() => {
  int8.dispose();
  float.dispose();
  rmSync(folder, { recursive: true });
});

const frame = (samples: Float32Array, i: number) => samples.subarray(i * FRAME, (i + 1) * FRAME);

async function probabilitiesOf(model: CompiledModel, samples: Float32Array): Promise<number[]> {
  const detector = new VoiceDetector(model);
  const probabilities: number[] = [];
  for (let i = 0; i < Math.floor(samples.length / FRAME); i++)
    probabilities.push(await detector.next(frame(samples, i)));
  return probabilities;
}

/** Chunks of sizes that no frame and no sample ends with. */
async function* inChunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0, size = 1; at < bytes.length; at += size, size = ((size * 7) % 4093) + 1)
    yield bytes.subarray(at, at + size);
}

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}

describe('the network, in int8', () => {
  it('tells voice from noise in recordings that it has not learned from, as it does in float32', async () => {
    let [right, same, count] = [0, 0, 0];
    for (const [i, noise] of [0.001, 0.004, 0.01].entries()) {
      const recording = makeRecording(101 + i, 8, noise);
      const [ofInt8, ofFloat] = [
        await probabilitiesOf(int8, recording.samples),
        await probabilitiesOf(float, recording.samples),
      ];
      for (const [k, isSpeech] of labelsOf(recording).entries()) {
        count++;
        if (ofInt8[k] >= 0.5 === isSpeech) right++;
        if (ofInt8[k] >= 0.5 === ofFloat[k] >= 0.5) same++;
      }
    }
    expect(count).toBe(750);
    expect(right / count).toBeGreaterThan(0.97);
    expect(same / count).toBeGreaterThan(0.99);
  });

  it('has an LSTM of bytes', () => {
    const { steps } = int8.plan({ input: [1, 576], state: [2, 1, 32] });
    const lstm = steps.filter(({ op }) => op === 'recurrent');
    expect(lstm.map(({ target }) => target)).toEqual(['octavo.lstm_layer.dynamic']);
    expect(lstm[0].implementation).toContain('integer_');
  });

  it('keeps the streams of several detectors apart', async () => {
    const recordings = [makeRecording(7, 3).samples, makeRecording(8, 3).samples];
    const alone = await Promise.all(recordings.map((samples) => probabilitiesOf(int8, samples)));
    const detectors = recordings.map(() => new VoiceDetector(int8));
    for (let i = 0; i < alone[0].length; i++)
      expect(await Promise.all(detectors.map((each, k) => each.next(frame(recordings[k], i))))).toEqual(
        alone.map((probabilities) => probabilities[i]),
      );
  });

  it('allocates no tensors for a frame', async () => {
    const detector = new VoiceDetector(int8);
    const { samples } = makeRecording(9, 3);
    for (let i = 0; i < 50; i++) await detector.next(frame(samples, i));
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 2000; i++) await detector.next(frame(samples, i % 50));
    // A state of 256 bytes, or a frame of 2 KiB, for each would be half a megabyte or more; others allocate a little, too.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100_000);
  });
});

describe('a stream', () => {
  it('of a WAV file, or of bare samples, in chunks of any size, becomes stretches of speech', async () => {
    const { samples, speech } = makeRecording(42, 8);
    const wav = wavOf(samples);
    const found = await collect(speechIn(inChunks(wav), int8));
    expect(await collect(speechIn(inChunks(wav.subarray(44)), int8))).toEqual(found);
    expect(found.length).toBe(speech.length);
    // Three frames.
    for (const [i, { from, to }] of found.entries()) {
      expect(Math.abs(from - speech[i].from)).toBeLessThan(0.1);
      expect(Math.abs(to - speech[i].to)).toBeLessThan(0.1);
    }
  });

  it('is cut into frames of the samples that went in, the last one filled up', async () => {
    const samples = Float32Array.from({ length: 2 * FRAME + 5 }, (_, i) => ((i % 200) - 100) / 128);
    const frames: number[] = [];
    for await (const each of framesOf(inChunks(wavOf(samples)))) frames.push(...each);
    expect(frames).toEqual([...samples, ...Array(FRAME - 5).fill(0)]);
  });

  it('ends where the samples do, whatever chunks the file has behind them', async () => {
    const samples = new Float32Array(FRAME).fill(0.25);
    const list = Buffer.concat([Buffer.from('LIST'), Buffer.from([4, 0, 0, 0]), Buffer.from('abcd')]);
    const frames: number[] = [];
    const wav = Buffer.concat([wavOf(samples), list]);
    for await (const each of framesOf(inChunks(wav))) frames.push(...each);
    expect(frames).toEqual([...samples]);
  });

  it('of other samples is refused', async () => {
    const wav = Buffer.from(wavOf(new Float32Array(10)));
    wav.writeUInt16LE(2, 22);
    wav.writeUInt32LE(44_100, 24);
    const read = (bytes: Uint8Array) => collect(framesOf(inChunks(bytes)));
    await expect(read(wav)).rejects.toThrow(
      'must have one channel of 16-bit integers, 16000 a second; it has 2 of 16 bits in format 1, 44100 a second',
    );
    await expect(read(wav.subarray(0, 30))).rejects.toThrow();
    await expect(read(wavOf(new Float32Array(1)).subarray(0, 40))).rejects.toThrow(
      'ends within its WAV header',
    );
  });
});

it('short pauses and short sounds are none, and speech may last until the end', async () => {
  const probabilities = (text: string) =>
    (async function* () {
      for (const letter of text) yield { '#': 0.9, '+': 0.4, '.': 0.1 }[letter]!;
    })();
  const framesFound = async (text: string) =>
    (await collect(segmentsOf(probabilities(text)))).map(({ from, to }) =>
      [from, to].map((seconds) => Math.round((seconds * RATE) / FRAME)),
    );
  // A pause of 3 frames is none, one of 6 is; so are sounds.
  expect(await framesFound('..######...######......')).toEqual([[2, 17]]);
  expect(await framesFound('..######......######......')).toEqual([
    [2, 8],
    [14, 20],
  ]);
  expect(await framesFound('....##........')).toEqual([]);
  // What is neither goes on.
  expect(await framesFound('++######++++++##')).toEqual([[2, 16]]);
});

it('the command prints them', () => {
  const path = join(folder, 'recording.wav');
  const { samples, speech } = makeRecording(43, 5);
  writeFileSync(path, wavOf(samples));
  const script = fileURLToPath(new URL('../../examples/voice-activity/main.ts', import.meta.url));
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--import', 'tsx', script, path], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  const lines = stdout.trim().split('\n');
  expect(lines.length).toBe(speech.length);
  for (const line of lines) expect(line).toMatch(/^speech from \d+\.\d\d s to \d+\.\d\d s$/);
});
