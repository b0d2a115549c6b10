import { describeOperators, GraphModule, type Node, tensorMeta } from '../../graph/index.ts';
import { checkOptions, type OptionNames } from '../../options.ts';
import { Tensor } from '../../tensor/index.ts';
import { GraphEditor } from '../../transforms/editor.ts';
import { floatConstant, setConstant } from '../../transforms/layer-constants.ts';
import { type CalibrateOptions, type CalibrationBatch, calibrate, calibrateOptions } from '../calibrate.ts';
import { PerChannelMinMaxObserver } from '../observers/index.ts';
import { smoothingFactors, timesFactors } from './factors.ts';
import { affinePositions, type SmoothingGroup, smoothingGroups } from './groups.ts';

/** Options of {@link smoothQuant}. */
export interface SmoothQuantOptions extends CalibrateOptions {
  /**
   * How much of the difference between channels moves from the activations into the weights, from 0 to 1; default 0.5. More for
   * models whose activations have strong outliers.
   */
  readonly alpha?: number;
}

/** The default of `alpha`: half of the difference moves. */
export const usualAlpha = 0.5;

const smoothQuantOptions: OptionNames<SmoothQuantOptions> = { ...calibrateOptions, alpha: true };

/** One tensor that {@link smoothQuant} has scaled. */
export interface Smoothing {
  /** Names of the nodes of the linear layers that read it. */
  readonly layers: readonly string[];
  /** The norm whose parameters have taken the factors. Undefined: the tensor is multiplied when the model runs. */
  readonly absorbedBy: string | undefined;
  /** What each channel is divided by, and each column of the weights multiplied. */
  readonly factors: Float32Array;
}

/** What {@link smoothQuant} returns. */
export interface Smoothed {
  /** The same function of its inputs, up to the rounding of float32. */
  readonly module: GraphModule;
  readonly smoothings: readonly Smoothing[];
}

/**
 * Makes the inputs of linear layers easier to quantize (SmoothQuant, https://arxiv.org/abs/2211.10438; counterpart: torchao's
 * `SmoothQuantConfig`). Transformers have channels that are a hundred times as large as others, and a scale for the whole
 * tensor leaves the others few values. Each channel is divided by a factor, and the layer's weights are multiplied by it:
 *
 *     x W' = (x / s) (s W')        s[j] = max|x[:, j]| ^ alpha / max|W[:, j]| ^ (1 - alpha)
 *
 * The division costs nothing where `x` is the result of a layer norm or RMS norm that only linear layers read: its parameters
 * are divided instead. Elsewhere it is a multiplication when the model runs, one pass over the tensor, as in torchao. Layers that read the
 * same tensor (query, key and value) share factors. `model` itself is left as it is.
 * @param model a captured float model, before `preparePt2e`.
 * @param batches typical inputs, as {@link calibrate} accepts them.
 *
 * @example
 * const { module } = await smoothQuant(await loadPt2('encoder.pt2'), batches, { alpha: 0.6 });
 * const model = await quantizeDynamic(module);
 *
 * @throws Error (rejects) when the model has no linear layers with constant float32 weights, is prepared already, alpha is not from 0 to 1, an option
 * is unknown, or as {@link calibrate} does.
 */
export async function smoothQuant(
  model: GraphModule,
  batches: AsyncIterable<CalibrationBatch> | Iterable<CalibrationBatch>,
  options: SmoothQuantOptions = {},
): Promise<Smoothed> {
  checkOptions(options, smoothQuantOptions, 'smoothQuant');
  const { alpha = usualAlpha, ...calibration } = options;
  if (!(typeof alpha === 'number' && alpha >= 0 && alpha <= 1))
    throw new Error(`smoothQuant: alpha must be a number from 0 to 1, got ${alpha}`);
  const module = GraphModule.accept(model, 'smoothQuant').clone();
  if (module.modules.size > 0)
    throw new Error('smoothQuant: the model is prepared already; smooth it before preparePt2e');
  const groups = smoothingGroups(module);
  if (groups.length === 0)
    throw new Error(
      'smoothQuant: the model has no linear layers with constant float32 weights; ' +
        `it has ${describeOperators(module.graph)}`,
    );
  return smoothGroups(module, groups, alpha, batches, calibration);
}

/** Scales what these groups of a model read, in place. */
export async function smoothGroups(
  module: GraphModule,
  groups: readonly SmoothingGroup[],
  alpha: number,
  batches: AsyncIterable<CalibrationBatch> | Iterable<CalibrationBatch>,
  calibration: CalibrateOptions,
): Promise<Smoothed> {
  const largest = await largestByChannel(module, groups, batches, calibration);
  const editor = new GraphEditor(module);
  const smoothings = groups.map((group, i) => smooth(editor, group, largest[i], alpha));
  module.deleteUnused();
  module.graph.lint();
  return { module, smoothings };
}

/** The largest absolute value of each channel of the groups' inputs. */
async function largestByChannel(
  module: GraphModule,
  groups: readonly SmoothingGroup[],
  batches: AsyncIterable<CalibrationBatch> | Iterable<CalibrationBatch>,
  options: CalibrateOptions,
): Promise<Float32Array[]> {
  const observed = module.clone();
  const editor = new GraphEditor(observed);
  const nodes = new Map(observed.graph.nodes.map((node) => [node.name, node]));
  const observers = groups.map(({ input }) => {
    const observer = new PerChannelMinMaxObserver({ chAxis: tensorMeta(input)!.shape.length - 1 });
    const twin = nodes.get(input.name)!;
    editor.callModule('smoothing', observer, twin, { after: twin });
    return observer;
  });
  await calibrate(observed, batches, options);
  return observers.map(({ minVal, maxVal }) => maxVal.map((max, j) => Math.max(max, -minVal[j])));
}

function smooth(
  editor: GraphEditor,
  { input, layers, isAbsorbing }: SmoothingGroup,
  largest: Float32Array,
  alpha: number,
): Smoothing {
  const { module } = editor;
  const weights = layers.map(({ args }) => floatConstant(module, args[1])!);
  const factors = smoothingFactors(largest, weights, alpha);
  const inverse = factors.map((factor) => 1 / factor);
  layers.forEach((layer, i) => {
    setConstant(editor, layer, 1, timesFactors(weights[i], factors), 'weight');
  });
  if (isAbsorbing) absorb(editor, input, inverse);
  else multiply(editor, input, layers, inverse);
  return {
    layers: layers.map(({ name }) => name),
    absorbedBy: isAbsorbing ? input.name : undefined,
    factors,
  };
}

function absorb(editor: GraphEditor, norm: Node, inverse: Float32Array): void {
  // Its value is no longer the captured one.
  delete norm.meta.numericDebugHandle;
  const [weight, bias] = affinePositions(norm);
  const old = floatConstant(editor.module, norm.args[weight]) ?? ones(inverse.length);
  setConstant(editor, norm, weight, timesFactors(old, inverse), 'weight');
  const shift = bias === undefined ? undefined : floatConstant(editor.module, norm.args[bias]);
  if (shift) setConstant(editor, norm, bias, timesFactors(shift, inverse), 'bias');
}

const ones = (length: number) => new Tensor('float32', new Float32Array(length).fill(1), [length]);

function multiply(editor: GraphEditor, input: Node, layers: readonly Node[], inverse: Float32Array): void {
  const last = input.op === 'placeholder' ? lastPlaceholder(editor) : input;
  const constant = editor.constant('smoothing_factors', new Tensor('float32', inverse, [inverse.length]), {
    after: last,
  });
  const product = editor.call('aten.mul.Tensor', [input, constant], { after: constant });
  for (const layer of layers) layer.updateArgument(0, product);
}

/** All placeholders come first. */
const lastPlaceholder = ({ graph }: GraphEditor): Node =>
  graph.nodes.filter(({ op }) => op === 'placeholder').at(-1)!;
