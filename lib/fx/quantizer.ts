import { type BackendConfig, keysOf } from '../backend/index.ts';
import { type GraphModule, Node } from '../graph/index.ts';
import {
  type EdgeOrNode,
  FixedQParamsFakeQuantize,
  FixedQParamsObserver,
  FixedQParamsQuantizationSpec,
  getDefaultX86QuantizationConfig,
  type PartialObserver,
  type QConfig,
  QuantizationAnnotation,
  QuantizationSpec,
  type QuantizationSpecBase,
  Quantizer,
  SharedQuantizationSpec,
} from '../quantization/index.ts';
import { annotateRecurrentLayers } from '../quantization/x86/recurrent.ts';
import { callsOf } from './calls.ts';
import type { PrepareCustomConfig } from './custom-config.ts';
import { findMatches, type Match } from './matches.ts';
import { type Observation, type Observations, observe, type Quantized } from './observation.ts';
import type { QConfigMapping } from './qconfig-mapping.ts';
import { qconfigsOf } from './qconfigs.ts';
import { supportOf } from './support.ts';

/** Annotates what a QConfigMapping and a BackendConfig say, at the places where FX graph mode has observers. */
export class FxQuantizer extends Quantizer {
  readonly #mapping: QConfigMapping;
  readonly #backend: BackendConfig;
  readonly #custom: PrepareCustomConfig;
  /** The function that the caller called, for warnings. */
  readonly #where: string;

  constructor(mapping: QConfigMapping, backend: BackendConfig, custom: PrepareCustomConfig, where: string) {
    super();
    this.#where = where;
    this.#mapping = mapping;
    this.#backend = backend;
    this.#custom = custom;
  }

  override annotate(module: GraphModule): void {
    const { graph } = module;
    const calls = new Map([...callsOf(graph)].filter(([node]) => !this.#custom.leavesOut(node)));
    const matches = findMatches(graph, calls, this.#backend);
    const quantized: Quantized[] = [];
    const broken = new Set<string>();
    const [tried, fitting] = [new Set<QConfig>(), new Set<QConfig>()];
    for (const [match, qconfig] of qconfigsOf(matches, calls, this.#mapping)) {
      if (qconfig === null) continue;
      const support = supportOf(match, qconfig);
      // A pattern without dtypes stays in floating point by intent.
      if (match.config.dtypeConfigs.length > 0) tried.add(qconfig);
      if (support.activations || support.broken !== undefined) fitting.add(qconfig);
      if (support.activations) quantized.push({ match, qconfig, support });
      else if (support.broken !== undefined) broken.add(support.broken);
    }
    for (const qconfig of tried)
      if (!fitting.has(qconfig))
        broken.add(`no pattern in the model takes ${dtypesOf(qconfig)}; the backend's dtypes are others`);
    for (const reason of broken) process.emitWarning(`${this.#where}: a QConfig is ignored: ${reason}`);
    annotate(
      observe(
        graph,
        quantized.filter(({ match }) => !isRecurrent(match)),
      ),
    );
    annotateRecurrent(module, quantized);
  }
}

function dtypesOf({ activation, weight }: QConfig): string {
  const { dtype, isDynamic } = activation.create();
  return `${isDynamic ? 'dynamic ' : ''}activations of ${dtype} and weights of ${weight.create().dtype}`;
}

/** A specification at the first place that an observer stands at, and references to it at the others. */
function annotate(observations: Observations): void {
  const first = new Map<Observation, EdgeOrNode>();
  for (const [place, observation] of observations.entries()) {
    const known = first.get(observation);
    if (!known) first.set(observation, place);
    const spec = known ? new SharedQuantizationSpec(known) : specOf(observation.observer);
    const annotation = annotationOf(place instanceof Node ? place : place[1]);
    if (place instanceof Node) annotation.outputQspec = spec;
    else annotation.inputQspecMap.set(place[0], spec);
  }
}

function annotationOf(node: Node): QuantizationAnnotation {
  // Which observers are one has been decided.
  node.meta.quantizationAnnotation ??= new QuantizationAnnotation({
    annotated: true,
    allowImplicitSharing: false,
  });
  return node.meta.quantizationAnnotation;
}

function specOf(observer: PartialObserver): QuantizationSpecBase {
  const made = observer.create();
  const fixed = made instanceof FixedQParamsFakeQuantize ? made.activationPostProcess : made;
  if (fixed instanceof FixedQParamsObserver) {
    const { scale, zeroPoint } = fixed.calculateQparams();
    const { dtype, qscheme, quantMin, quantMax } = fixed;
    return new FixedQParamsQuantizationSpec({
      ...{ dtype, qscheme, quantMin, quantMax },
      scale: Number(scale.item()),
      zeroPoint: Number(zeroPoint.item()),
    });
  }
  const { dtype, isDynamic } = made;
  return new QuantizationSpec({ dtype, isDynamic, observerOrFakeQuantCtr: observer });
}

const isRecurrent = ({ calls }: Match): boolean =>
  keysOf(calls[0].type).some((key) => key === 'torch.nn.LSTM' || key === 'torch.nn.GRU');

/** LSTM and GRU have one recipe, whatever their QConfig says besides being dynamic: see {@link annotateRecurrentLayers}. */
function annotateRecurrent(module: GraphModule, quantized: readonly Quantized[]): void {
  const nodes = new Set(quantized.flatMap(({ match }) => (isRecurrent(match) ? match.nodes : [])));
  const config = getDefaultX86QuantizationConfig({ isDynamic: true });
  annotateRecurrentLayers(module, { config, filter: ([node]) => nodes.has(node!) });
}
