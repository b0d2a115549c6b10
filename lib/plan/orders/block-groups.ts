import { DisjointSet } from '../../graph/index.ts';
import { byteSizeOf, numelOf } from '../../tensor/index.ts';
import { costs } from '../cost-model.ts';
import type { Instruction, Program } from '../instructions.ts';
import { steps } from '../steps.ts';
import type { Value } from '../value.ts';
import { multiplyAdds } from '../work.ts';
import { block, hasWholeBlocks, isPixel } from './blocks.ts';
import type { Group } from './group.ts';

/** Steps that compute on blocks as on any tensor. */
const pointwise: ReadonlySet<string> = new Set(['binary', 'eltwise']);

/** Groups that convolutions and pooling connect: all of them have their channels in blocks, or none. */
class Component extends DisjointSet {
  /** Whether one of its values cannot be in blocks. */
  unfit = false;
  /** Multiply-adds of its convolutions that are faster in blocks. */
  multiplyAdds = 0;
  /** Bytes of the copies that blocks would add, for readers that need none now. */
  copied = 0;
}

/**
 * The groups of values whose channels are stored in blocks (`blocks.ts`): float32 images that convolutions and pooling
 * read and write. Whole networks of them are in blocks or none, and only if the convolutions gain more than the copies
 * cost for steps that need another order.
 */
export function groupsInBlocks(program: Program, groupOf: (value: Value) => Group): ReadonlySet<Group> {
  const components = new Map<Group, Component>();
  const componentOf = (value: Value): Component => {
    const group = groupOf(value);
    let component = components.get(group);
    if (!component) {
      component = new Component();
      components.set(group, component);
    }
    return component.root;
  };
  const connect = (values: readonly Value[]): void => {
    const [to, ...others] = values.map(componentOf);
    for (const { root: from } of others) {
      const into = to.root;
      if (from === into) continue;
      into.unfit ||= from.unfit;
      into.multiplyAdds += from.multiplyAdds;
      into.copied += from.copied;
      from.join(into);
    }
  };

  // One copy serves all its readers.
  const copied = viewed(program);
  for (const instruction of program.instructions) {
    const { op, inputs, outputs } = instruction;
    const images = imagesInBlocks(instruction);
    if (images) {
      connect(images);
      for (const value of images.slice(0, 1))
        componentOf(value).multiplyAdds += gainingMultiplyAdds(instruction);
      continue;
    }
    for (const value of outputs) componentOf(value).unfit = true;
    const rule = steps[op].layout;
    for (const value of inputs)
      if (rule === 'uniform') componentOf(value).unfit = true;
      else if (rule !== 'rowMajor') copied.add(value);
  }
  for (const value of copied) if (!isPixel(value.shape)) componentOf(value).copied += copyBytes(value);
  const worthIt = ({ unfit, multiplyAdds, copied }: Component) =>
    !unfit && multiplyAdds > copied * costs.multiplyAddsPerCopiedByte;
  return new Set([...components].filter(([, { root }]) => worthIt(root)).map(([group]) => group));
}

/**
 * The images that have to be in blocks together for the step to compute on blocks, except those of one pixel. Undefined
 * for a step that cannot.
 */
export function imagesInBlocks(instruction: Instruction): readonly Value[] | undefined {
  const images = imagesOf(instruction);
  if (!images?.every(fits)) return undefined;
  return images.filter(({ shape }) => !isPixel(shape));
}

function imagesOf(instruction: Instruction): readonly Value[] | undefined {
  const { op, inputs, outputs } = instruction;
  if (op === 'pool' || op === 'batch_norm') return [inputs[0], ...outputs];
  if (op === 'convolution') return convolved(instruction);
  if (op === 'concat') return [...inputs, ...outputs];
  return pointwise.has(op) ? outputs : undefined;
}

function convolved({ attributes, inputs, outputs: [output] }: Instruction): readonly Value[] | undefined {
  const [source, weight] = inputs;
  const groups = (attributes.groups as number | undefined) ?? 1;
  if (weight.dtype !== 'float32' || source.dtype !== 'float32') return undefined;
  const addend = attributes.binary === 'sum' ? inputs.slice(-1) : [];
  // The plan does not choose a constant's order.
  if (addend.some(({ origin }) => origin.kind === 'constant')) return undefined;
  // The first convolution reads the network's input unchanged.
  if (groups === 1 && source.shape[1] < block && source.origin.kind === 'input') return [output, ...addend];
  const perGroup = [weight.shape[1], weight.shape[0] / groups];
  const depthwise = String(perGroup) === '1,1';
  if (groups > 1 && !depthwise && perGroup.some((channels) => channels % block !== 0)) return undefined;
  return [source, output, ...addend];
}

function fits({ dtype, shape }: Value): boolean {
  return dtype === 'float32' && shape.length === 4 && (isPixel(shape) || hasWholeBlocks(shape));
}

/** Kernels of one pixel, and those of few channels, are equally fast in both orders. */
function gainingMultiplyAdds(instruction: Instruction): number {
  if (instruction.op !== 'convolution') return 0;
  const [, channels, height, width] = instruction.inputs[1].shape;
  return channels >= block && height * width > 1 ? multiplyAdds(instruction) : 0;
}

/** What a copy of a value reads and writes. */
function copyBytes({ dtype, shape }: Value): number {
  return 2 * numelOf(shape) * byteSizeOf(dtype);
}

/** Values of which others are strided views: channels-last, these cost no copy. */
function viewed({ instructions, outputs }: Program): Set<Value> {
  const found = new Set<Value>();
  const look = ({ origin }: Value): void => {
    if (origin.kind !== 'view' && origin.kind !== 'strided') return;
    if (origin.kind === 'strided') found.add(origin.of);
    look(origin.of);
  };
  for (const value of [...instructions.flatMap(({ inputs }) => inputs), ...outputs]) look(value);
  return found;
}
