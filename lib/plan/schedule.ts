import type { Attributes, NativeConstant, TensorDesc } from '../native/addon-types.ts';
import type { StepName } from '../native/step-name.ts';
import { byteSizeOf, isRowMajor, numelOf, rowMajorStrides, sameStrides } from '../tensor/index.ts';
import type { ConstantStore } from './constants.ts';
import type { Instruction, Program } from './instructions.ts';
import { imagesInBlocks } from './orders/block-groups.ts';
import { blocksOf, broadcastInBlocks, inBlocks } from './orders/blocks.ts';
import { chooseLayouts } from './orders/layout.ts';
import { isOfImages, laidOutInputs } from './orders/layout-rules.ts';
import { denseIn, isOverlapping, type Layout, liesInOrder, viewStrides } from './orders/strides.ts';
import { placeInConcatenations, readsSlices, type Slice } from './slices.ts';
import { steps } from './steps.ts';
import type { Value } from './value.ts';

/** Memory that values are stored in; its place is chosen later. */
export type Buffer =
  | { readonly kind: 'input'; readonly index: number }
  | { readonly kind: 'constant'; readonly constant: NativeConstant }
  | { readonly kind: 'computed'; readonly bytes: number };

/** A value in memory. */
export interface Operand extends TensorDesc {
  readonly strides: readonly number[];
  /** The shape as an image, if its channels are in blocks (`blocks.ts`), which are extents of `shape`. */
  readonly image?: readonly number[];
  readonly buffer: Buffer;
  /** Of the first element, in bytes. */
  readonly offset: number;
}

export interface ScheduledStep {
  readonly node: string;
  /** The operator that the step computes; undefined for a copy that the plan added. */
  readonly target?: string;
  readonly op: StepName;
  readonly attributes: Attributes;
  readonly inputs: readonly Operand[];
  readonly outputs: readonly Operand[];
  /** The result of a copy whose output is that by blocks. */
  readonly result?: Operand;
}

/** A program whose values have a memory order, with the copies that this needs. */
export interface Schedule {
  readonly steps: readonly ScheduledStep[];
  /** The program's outputs, each contiguous and row-major in a buffer of its own. */
  readonly outputs: readonly Operand[];
}

/** Assigns strides to every value, and adds a copy where a step or a view needs another memory order. */
export function scheduleProgram(
  program: Program,
  constants: ConstantStore,
  blocksChannels: boolean,
): Schedule {
  return new Scheduler(program, constants, blocksChannels).run();
}

class Scheduler {
  readonly #program: Program;
  readonly #constants: ConstantStore;
  readonly #layoutOf: (value: Value) => Layout;
  readonly #slices: ReadonlyMap<Value, Slice>;
  /** The places that inputs of concatenations have been copied to. */
  readonly #filled = new Map<Value, Operand[]>();
  readonly #operands = new Map<Value, Operand>();
  readonly #copies = new Map<Operand, Map<Layout, Operand>>();
  readonly #steps: ScheduledStep[] = [];

  constructor(program: Program, constants: ConstantStore, blocksChannels: boolean) {
    this.#program = program;
    this.#constants = constants;
    this.#layoutOf = chooseLayouts(program, blocksChannels);
    this.#slices = placeInConcatenations(program, this.#layoutOf);
  }

  run(): Schedule {
    const wholes = new Set([...this.#slices.values()].map(({ whole }) => whole));
    for (const instruction of this.#program.instructions) {
      const { op, node, target, attributes } = instruction;
      const [first] = instruction.outputs;
      if (op === 'concat' && (wholes.has(first) || this.#slices.has(first))) {
        this.#concatenate(instruction);
        continue;
      }
      const laidOut = new Set(laidOutInputs(instruction));
      const inputs = instruction.inputs.map((value) =>
        laidOut.has(value) ? this.#laidOut(value, instruction) : this.#beside(value, instruction),
      );
      const outputs = instruction.outputs.map((value) => this.#create(value));
      this.#steps.push({ node, target, op, attributes, inputs, outputs });
    }
    const taken = new Set<Buffer>();
    const outputs = this.#program.outputs.map((value) => this.#asOutput(value, taken));
    return { steps: this.#steps, outputs };
  }

  /** An input in the order that the step's rule requires. */
  #laidOut(value: Value, instruction: Instruction): Operand {
    const {
      op,
      outputs: [first],
    } = instruction;
    const operand = this.#operandOf(value);
    const own = this.#layoutOf(value);
    let layout: Layout = isOfImages(steps[op].layout) ? 'channelsLast' : this.#layoutOf(first);
    // The border between blocks and other orders.
    if (steps[op].layout === 'channelsLast' && own === 'blocked')
      layout = imagesInBlocks(instruction) ? 'blocked' : 'channelsLast';
    else if (steps[op].layout === 'channelsLast' && layout === 'blocked') layout = 'rowMajor';
    const inOrder =
      (layout === 'blocked') === (operand.image !== undefined) &&
      liesInOrder(layout, operand.shape, operand.strides);
    return readsSlices(op) && inOrder ? operand : this.#inLayout(operand, layout, value.name);
  }

  /** A parameter, or an operand that is broadcast. */
  #beside(value: Value, { op, outputs: [first] }: Instruction): Operand {
    const operand = this.#operandOf(value);
    const rule = steps[op].layout;
    if (rule === 'any' || rule === 'strided')
      return operand.image ? this.#inLayout(operand, 'channelsLast', value.name) : operand;
    const blocked = rule === 'uniform' && this.#layoutOf(first) === 'blocked';
    if (blocked && operand.image) return operand;
    const asItIs = operand.buffer.kind === 'constant';
    const plain = asItIs ? operand : this.#inLayout(operand, 'rowMajor', value.name);
    return blocked ? { ...plain, ...broadcastInBlocks(plain) } : plain;
  }

  #operandOf(value: Value): Operand {
    let operand = this.#operands.get(value);
    if (!operand) {
      operand = this.#resolve(value);
      this.#operands.set(value, operand);
    }
    return operand;
  }

  /** The place of a value that no step writes. */
  #resolve({ name, dtype, shape, origin }: Value): Operand {
    const dense = { dtype, shape, strides: rowMajorStrides(shape), offset: 0 };
    switch (origin.kind) {
      case 'input':
        return { ...dense, buffer: { kind: 'input', index: origin.index } };
      case 'constant':
        return { ...dense, buffer: { kind: 'constant', constant: this.#constants.native(origin.tensor) } };
      case 'view': {
        const source = this.#operandOf(origin.of);
        if (String(source.image) === String(shape)) return source;
        const strides = source.image ? undefined : viewStrides(source.shape, source.strides, shape);
        if (strides) return { ...source, shape, strides };
        return {
          ...this.#inLayout(source, 'rowMajor', origin.of.name),
          shape,
          strides: rowMajorStrides(shape),
        };
      }
      case 'strided': {
        let source = this.#operandOf(origin.of);
        if (source.image) source = this.#inLayout(source, 'channelsLast', origin.of.name);
        const view = origin.view(source);
        // The place and the order of an empty tensor do not matter: every step accepts row-major at the start.
        if (numelOf(shape) === 0) return { ...dense, buffer: source.buffer, offset: source.offset };
        const offset = source.offset + view.offset * byteSizeOf(dtype);
        return { dtype, shape: view.shape, strides: view.strides, buffer: source.buffer, offset };
      }
      case 'computed':
        throw new Error(`value '${name}' is used before it is computed`);
    }
  }

  #create(value: Value): Operand {
    const slice = this.#slices.get(value);
    const operand = slice ? this.#sliceOf(slice, value.shape) : createOperand(value, this.#layoutOf(value));
    this.#operands.set(value, operand);
    return operand;
  }

  #sliceOf({ whole, axis, begin }: Slice, shape: readonly number[]): Operand {
    const { dtype, strides, image, buffer, offset } = this.#operands.get(whole) ?? this.#create(whole);
    const lies = image ? { ...inBlocks({ shape, strides: shape }), image: shape } : { shape };
    const first = image && axis === 1 ? blocksOf(begin) : begin;
    return { dtype, ...lies, strides, buffer, offset: offset + first * strides[axis] * byteSizeOf(dtype) };
  }

  /** Copies the inputs of a concatenation that are not yet in place. */
  #concatenate({ inputs, outputs: [whole], node, target, attributes }: Instruction): void {
    const axis = attributes.axis as number;
    let begin = 0;
    for (const value of inputs) {
      const place = this.#sliceOf({ whole, axis, begin }, value.shape);
      begin += value.shape[axis];
      const source = this.#operandOf(value);
      const copies = this.#filled.get(value) ?? [];
      this.#filled.set(value, copies);
      if (numelOf(value.shape) === 0 || [source, ...copies].some((other) => isSamePlace(other, place)))
        continue;
      this.#steps.push({ node, target, ...copyStep(source, place) });
      copies.push(place);
    }
  }

  #inLayout(operand: Operand, layout: Layout, node: string): Operand {
    const lies = layout === 'blocked' ? asBlocks(operand) : operand;
    const { shape, strides } = lies;
    const dense = denseIn(layout, imageOf(operand));
    const isThere = String(shape) === String(dense.shape) && sameStrides(shape, strides, dense.strides);
    if (isThere && !isOverlapping(shape, strides)) return lies;
    const copies = this.#copies.get(operand) ?? new Map<Layout, Operand>();
    this.#copies.set(operand, copies);
    const copy = copies.get(layout) ?? this.#copy(operand, layout, node);
    copies.set(layout, copy);
    return copy;
  }

  #copy(operand: Operand, layout: Layout, node: string): Operand {
    const copy = createOperand({ dtype: operand.dtype, shape: imageOf(operand) }, layout);
    this.#steps.push({ node, ...copyStep(operand, copy) });
    return copy;
  }

  #asOutput(value: Value, taken: Set<Buffer>): Operand {
    let operand = this.#operandOf(value);
    const { buffer, shape, strides } = operand;
    const whole =
      buffer.kind === 'computed' &&
      operand.offset === 0 &&
      buffer.bytes === bytesOf(operand) &&
      !taken.has(buffer);
    if (!whole || operand.image || !isRowMajor(shape, strides))
      operand = this.#copy(operand, 'rowMajor', value.name);
    taken.add(operand.buffer);
    return operand;
  }
}

function createOperand({ dtype, shape }: TensorDesc, layout: Layout): Operand {
  const buffer = { kind: 'computed', bytes: numelOf(shape) * byteSizeOf(dtype) } as const;
  const image = layout === 'blocked' ? { image: shape } : {};
  return { dtype, ...denseIn(layout, shape), ...image, buffer, offset: 0 };
}

/** A value's own shape, regardless of its layout. */
function imageOf({ shape, image }: Operand): readonly number[] {
  return image ?? shape;
}

function asBlocks(operand: Operand): Operand {
  return operand.image ? operand : { ...operand, ...inBlocks(operand), image: operand.shape };
}

/** If one of the two is in blocks, the step reads both in blocks. */
function copyStep(from: Operand, to: Operand): Omit<ScheduledStep, 'node' | 'target'> {
  const [source, place] = from.image || to.image ? [asBlocks(from), asBlocks(to)] : [from, to];
  return { op: 'copy', attributes: {}, inputs: [source], outputs: [place], result: to };
}

function isSamePlace(a: Operand, b: Operand): boolean {
  const comparable = String(a.shape) === String(b.shape);
  return (
    comparable && a.buffer === b.buffer && a.offset === b.offset && sameStrides(a.shape, a.strides, b.strides)
  );
}

function bytesOf({ dtype, shape }: TensorDesc): number {
  return numelOf(shape) * byteSizeOf(dtype);
}
