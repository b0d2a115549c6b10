import { rowMajorStrides } from '../../tensor/index.ts';
import type { Program } from '../instructions.ts';
import { steps } from '../steps.ts';
import type { Value } from '../value.ts';
import { groupsInBlocks } from './block-groups.ts';
import { isPixel } from './blocks.ts';
import { Group } from './group.ts';
import { isOfImages, laidOutInputs } from './layout-rules.ts';
import type { Layout } from './strides.ts';

/** The value whose storage a view shares without reordering: the whole of it, or a slice. */
function inSameOrder({ shape, dtype, origin }: Value): Value | undefined {
  if (origin.kind !== 'view' && origin.kind !== 'strided') return undefined;
  const { of } = origin;
  if (origin.kind === 'view') return String(of.shape) === String(shape) ? of : undefined;
  let base = of;
  while (base.origin.kind === 'view' || base.origin.kind === 'strided') base = base.origin.of;
  if (base.origin.kind !== 'computed') return undefined;
  const strides = rowMajorStrides(of.shape);
  return String(origin.view({ dtype, shape: of.shape, strides }).strides) === String(strides)
    ? of
    : undefined;
}

/**
 * Chooses a memory order for every value that a step computes: channels-last around convolutions, pooling and the
 * pointwise steps between them, row-major for the rest. Steps that can change the order (quantize, dequantize, copies)
 * separate groups of values that share one. Between two such steps a chain of pointwise steps is channels-last if its
 * input or its result is, and no step needs it row-major. With `blocksChannels`, float32 images that would be
 * channels-last have their channels in blocks if that is faster.
 */
export function chooseLayouts(program: Program, blocksChannels: boolean): (value: Value) => Layout {
  const groups = new Map<Value, Group>();
  const groupOf = (value: Value): Group => {
    const { origin } = value;
    const source = inSameOrder(value);
    if (source) return groupOf(source);
    let group = groups.get(value);
    if (!group) {
      group = new Group();
      groups.set(value, group);
      if (origin.kind === 'view' || origin.kind === 'strided') groupOf(origin.of).rowMajor = true;
      // The plan does not choose its place.
      if (origin.kind !== 'computed') group.rowMajor = true;
    }
    return group.root;
  };
  const join = (a: Value, b: Value): void => {
    const [from, to] = [groupOf(a), groupOf(b)];
    if (from === to || a.origin.kind === 'input' || b.origin.kind === 'input') return;
    to.spatial ||= from.spatial;
    to.rowMajor ||= from.rowMajor;
    from.join(to);
  };

  for (const instruction of program.instructions) {
    const rule = steps[instruction.op].layout;
    const [first] = instruction.outputs;
    for (const output of instruction.outputs) groupOf(output);
    for (const input of instruction.inputs) groupOf(input);
    if (rule === 'rowMajor') for (const input of instruction.inputs) groupOf(input).rowMajor = true;
    if (rule === 'rowMajor' || rule === 'strided' || rule === 'imagesIn')
      for (const output of instruction.outputs) groupOf(output).rowMajor = true;
    if (rule === 'uniform') for (const input of laidOutInputs(instruction)) join(input, first);
    if (isOfImages(rule) || (rule === 'channelsLast' && first.shape.length >= 3))
      for (const value of [
        ...laidOutInputs(instruction),
        ...(rule === 'imagesIn' ? [] : instruction.outputs),
      ])
        if (value.origin.kind !== 'input') groupOf(value).spatial = true;
  }
  for (const output of program.outputs) groupOf(output).rowMajor = true;
  spreadThroughConversions(program, groupOf);
  const inBlocks = blocksChannels ? groupsInBlocks(program, groupOf) : new Set<Group>();
  return (value) => {
    const group = groupOf(value);
    if (inBlocks.has(group) && !isPixel(value.shape)) return 'blocked';
    return group.spatial && value.shape.length >= 3 ? 'channelsLast' : 'rowMajor';
  };
}

/** A group that no step needs row-major is channels-last if a step that could convert would otherwise have to. */
function spreadThroughConversions(program: Program, groupOf: (value: Value) => Group): void {
  const conversions = program.instructions.filter(({ op }) => steps[op].layout === 'any');
  for (let changed = true; changed; ) {
    changed = false;
    for (const { inputs, outputs } of conversions) {
      const [from, to] = [groupOf(inputs[0]), groupOf(outputs[0])];
      for (const [a, b] of [
        [from, to],
        [to, from],
      ])
        if (a.spatial && !b.spatial && !b.rowMajor) {
          b.spatial = true;
          changed = true;
        }
    }
  }
}
