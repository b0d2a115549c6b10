import {
  BatchNorm1d,
  BatchNorm2d,
  Conv1d,
  Conv2d,
  deepcopy,
  Identity,
  intrinsic,
  Linear,
  type Module,
  Parameter,
  ReLU,
} from '../nn/index.ts';
import { checkOptions } from '../options.ts';
import { foldBatchNorm } from '../transforms/fold-batch-norm.ts';
import { checkModule, type InPlaceOptions, inPlaceOptions } from './in-place.ts';
import type { ModuleClass } from './propagate-qconfig.ts';

type Layer = Conv1d | Conv2d | Linear;
type BatchNorm = BatchNorm1d | BatchNorm2d;

/** What becomes of modules of these classes in this order: one module. */
interface Fusion {
  readonly classes: readonly ModuleClass[];
  readonly inference: (...modules: Module[]) => Module;
  readonly training: (...modules: Module[]) => Module;
}

const as =
  (fused: ModuleClass) =>
  (...modules: Module[]): Module =>
    new fused(...(modules as never[]));

/** A layer and the batch norm after it, as one layer. */
const folded = (layer: Module, norm: Module): Layer => withBatchNorm(layer as Layer, norm as BatchNorm);

const { BNReLU2d, ConvBn1d, ConvBn2d, ConvBnReLU1d, ConvBnReLU2d, ConvReLU1d, ConvReLU2d } = intrinsic;
const { LinearBn1d, LinearReLU } = intrinsic;

/** All that PyTorch fuses, as far as there are such modules. */
const fusions: readonly Fusion[] = [
  { classes: [Conv1d, BatchNorm1d], inference: folded, training: as(ConvBn1d) },
  {
    classes: [Conv1d, BatchNorm1d, ReLU],
    inference: (conv, norm, relu) => new ConvReLU1d(folded(conv, norm) as Conv1d, relu as ReLU),
    training: as(ConvBnReLU1d),
  },
  { classes: [Conv2d, BatchNorm2d], inference: folded, training: as(ConvBn2d) },
  {
    classes: [Conv2d, BatchNorm2d, ReLU],
    inference: (conv, norm, relu) => new ConvReLU2d(folded(conv, norm) as Conv2d, relu as ReLU),
    training: as(ConvBnReLU2d),
  },
  { classes: [Conv1d, ReLU], inference: as(ConvReLU1d), training: as(ConvReLU1d) },
  { classes: [Conv2d, ReLU], inference: as(ConvReLU2d), training: as(ConvReLU2d) },
  { classes: [Linear, BatchNorm1d], inference: folded, training: as(LinearBn1d) },
  { classes: [Linear, ReLU], inference: as(LinearReLU), training: as(LinearReLU) },
  { classes: [BatchNorm2d, ReLU], inference: as(BNReLU2d), training: as(BNReLU2d) },
];

/** Modules by path that are called one after the other, or several such lists. */
export type ModulesToFuse = readonly string[] | readonly (readonly string[])[];

/**
 * Makes one module of several that are called one after the other (counterpart: `torch.ao.quantization.fuse_modules`): the first one
 * becomes all of them, with batch norms folded into weights, and the others return their inputs.
 *
 *     const fused = fuseModules(model.eval(), [['conv1', 'bn1', 'relu1'], ['block.conv', 'block.relu']]);
 * @returns a copy, or the model itself with `inplace`.
 * @throws Error that lists what can be fused, when these cannot, when there is no module at a path, or a batch norm is in training mode.
 */
export function fuseModules<M extends Module>(
  model: M,
  modulesToFuse: ModulesToFuse,
  options: InPlaceOptions = {},
): M {
  return fuse('fuseModules', model, modulesToFuse, options, ({ inference }) => inference);
}

/**
 * The same for training: batch norms stay, to be trained with the layers before them (counterpart:
 * `torch.ao.quantization.fuse_modules_qat`).
 * @throws Error as {@link fuseModules} does, and when a batch norm is in evaluation mode.
 */
export function fuseModulesQat<M extends Module>(
  model: M,
  modulesToFuse: ModulesToFuse,
  options: InPlaceOptions = {},
): M {
  return fuse('fuseModulesQat', model, modulesToFuse, options, ({ training }) => training);
}

function fuse<M extends Module>(
  where: string,
  model: M,
  modulesToFuse: ModulesToFuse,
  options: InPlaceOptions,
  way: (fusion: Fusion) => (...modules: Module[]) => Module,
): M {
  checkModule(model, where);
  checkOptions(options, inPlaceOptions, where);
  const result = options.inplace ? model : deepcopy(model);
  for (const paths of listsOf(modulesToFuse, where)) {
    const modules = paths.map((path) => result.getSubmodule(path));
    const fusion = fusions.find(
      ({ classes }) =>
        classes.length === modules.length && classes.every((c, i) => modules[i].constructor === c),
    );
    if (!fusion) throw new Error(`${where}: ${paths.join(', ')} cannot be fused: ${whatCan(modules)}`);
    checkModes(where, paths, modules, way(fusion) === fusion.training);
    const fused = way(fusion)(...modules);
    for (const [i, path] of paths.entries())
      result.setSubmodule(path, i === 0 ? fused : new Identity().train(modules[0].training));
  }
  return result;
}

/** @throws Error when it is neither a list of paths nor a list of such lists. */
function listsOf(given: ModulesToFuse, where: string): readonly (readonly string[])[] {
  const isPaths = (item: unknown): item is readonly string[] =>
    Array.isArray(item) && item.length > 0 && item.every((path) => typeof path === 'string');
  if (isPaths(given)) return [given];
  if (Array.isArray(given) && given.length > 0 && given.every(isPaths)) return given;
  throw new Error(
    `${where}: modulesToFuse must be a list of paths, ['conv', 'relu'], or a list of such lists; got ${JSON.stringify(given)}`,
  );
}

const namesOf = (names: readonly { readonly name: string }[]) => names.map(({ name }) => name).join(' + ');

const whatCan = (modules: readonly Module[]) =>
  `they are ${namesOf(modules.map((module) => module.constructor))}; what can be is ` +
  fusions.map(({ classes }) => namesOf(classes)).join(', ');

/** A batch norm that is folded has its final statistics; one that is to be trained does not. */
function checkModes(
  where: string,
  paths: readonly string[],
  modules: readonly Module[],
  isQat: boolean,
): void {
  const other = modules.findIndex(({ training }) => training !== modules[0].training);
  if (other > 0)
    throw new Error(
      `${where}: ${paths[0]} and ${paths[other]} are not in the same mode: call train() or eval()`,
    );
  const hasBatchNorm = modules.length > 1 && !(modules[1] instanceof ReLU);
  if (hasBatchNorm && modules[0].training !== isQat)
    throw new Error(
      isQat
        ? `${where}: ${paths.join(', ')} are in evaluation mode: call train() first, or fuseModules`
        : `${where}: ${paths.join(', ')} are in training mode: call eval() first, or fuseModulesQat`,
    );
}

function withBatchNorm(layer: Layer, norm: BatchNorm): Layer {
  const { weight, bias } = foldBatchNorm(layer.weight.tensor, layer.bias?.tensor ?? null, {
    weight: norm.weight.tensor,
    bias: norm.bias.tensor,
    mean: norm.running_mean.tensor,
    variance: norm.running_var.tensor,
    eps: norm.eps,
  });
  const parameters = { weight: new Parameter(weight), bias: new Parameter(bias) };
  return Object.assign(deepcopy(layer), parameters);
}
