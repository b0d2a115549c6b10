import { countMeta, operators, type StridedLike, type StridedView } from '../aten/index.ts';
import {
  Arguments,
  GET_ITEM,
  type GraphModule,
  isArgumentList,
  type MetaValue,
  mapArguments,
  Node,
  propagateShapes,
  type TensorMeta,
} from '../graph/index.ts';
import type { Attributes } from '../native/addon-types.ts';
import type { StepName } from '../native/step-name.ts';
import { Tensor } from '../tensor/index.ts';
import type { ConstantStore } from './constants.ts';
import { decidesExtent } from './stages.ts';
import { type Origin, Value } from './value.ts';

/** One native step over values. */
export interface Instruction {
  readonly node: string;
  /** The operator it computes: `aten.relu.default`. */
  readonly target: string;
  readonly op: StepName;
  readonly attributes: Attributes;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
}

/** A graph for one set of input shapes, as native steps over values. Everything in it is needed by an output. */
export interface Program {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly instructions: readonly Instruction[];
}

type Result = Value | number | readonly Value[];

/**
 * Turns a graph into a program. Shapes become numbers; sizes and everything that depends on constants alone are
 * computed now; views become other ways to read a value; every remaining call becomes one native step.
 * @throws Error that names the node whose call cannot be part of a plan.
 */
export function buildProgram(
  module: GraphModule,
  inputs: readonly TensorMeta[],
  constants: ConstantStore,
): Program {
  const metas = propagateShapes(module, inputs, operators);
  const results = new Map<Node, Result>();
  const instructions: Instruction[] = [];
  const programInputs: Value[] = [];
  for (const node of module.graph.nodes) {
    if (node.op === 'output')
      return withoutDeadCode({ inputs: programInputs, outputs: outputsOf(node, results), instructions });
    try {
      if (node.op === 'placeholder') {
        const { dtype, shape } = inputs[programInputs.length];
        const origin = { kind: 'input', index: programInputs.length } as const;
        programInputs.push(new Value(node.name, dtype, shape as readonly number[], origin));
        results.set(node, programInputs.at(-1)!);
      } else if (node.op === 'get_attr') {
        results.set(node, constantOf(node.name, module.attribute(node.target)));
      } else if (node.target === GET_ITEM) {
        const [list, index] = node.args;
        results.set(node, (results.get(list as Node) as readonly Value[])[index as number]);
      } else if (node.op === 'call_function') {
        results.set(node, translate(node, metas.get(node)!, results, instructions, constants));
      } else {
        throw new Error('observers cannot be compiled; convert the model first (convertPt2e)');
      }
    } catch (error) {
      throw new Error(`node '${node.name}' (${node.target}): ${(error as Error).message}`, { cause: error });
    }
  }
  throw new Error('Graph: there is no output node');
}

function constantOf(name: string, tensor: Tensor): Value {
  return new Value(name, tensor.dtype, tensor.shape, { kind: 'constant', tensor });
}

function translate(
  node: Node,
  meta: MetaValue,
  results: ReadonlyMap<Node, Result>,
  instructions: Instruction[],
  constants: ConstantStore,
): Result {
  if (typeof meta === 'number') return meta;
  const operator = operators.get(node.target);
  const { definition, schema } = operator;
  const isCounted = operator.decidesExtent;
  const { args, kwargs } = mapArguments(node, (input) => results.get(input));
  const folded = isCounted ? undefined : constants.fold(node, operator, args, kwargs);
  if (folded) return toResult(node.name, folded);

  const bound = Arguments.bind<Value>(schema, args, kwargs);
  if ('host' in definition)
    throw new Error('it computes with tensor elements in JavaScript, which a plan does not do');
  const shapes = (
    isCounted ? [operator.infer(bound as Arguments<TensorMeta>), countMeta] : [meta].flat()
  ) as readonly TensorMeta[];
  const value = (index: number, origin: Origin): Value => {
    const { dtype, shape } = shapes[index];
    const name = shapes.length > 1 ? `${node.name}.${index}` : node.name;
    return new Value(name, dtype, shape as readonly number[], origin);
  };
  let values: readonly Value[];
  // Of nothing there is nothing to compute.
  if (shapes.every(({ shape }) => shape.includes(0))) {
    const nothing = shapes.map(({ dtype, shape }) => Tensor.zeros(dtype, shape as readonly number[]));
    values = nothing.map((tensor, i) => value(i, { kind: 'constant', tensor }));
  } else if ('view' in definition) {
    definition.refuse?.(bound);
    values = [value(0, { kind: 'view', of: bound.tensor(schema.arguments[0].name) })];
  } else if ('strided' in definition) {
    const of = bound.tensor(schema.arguments[0].name);
    const views = (input: StridedLike) => [definition.strided(input, bound)].flat() as StridedView[];
    values = shapes.map((_, i) => value(i, { kind: 'strided', of, view: (input) => views(input)[i] }));
  } else {
    const { op, inputs, attributes } = definition.step(bound);
    values = shapes.map((_, i) => value(i, { kind: 'computed' }));
    instructions.push({ node: node.name, target: node.target, op, attributes, inputs, outputs: values });
  }
  return Array.isArray(meta) || isCounted ? values : values[0];
}

function toResult(name: string, folded: Tensor | number | readonly Tensor[]): Result {
  if (typeof folded === 'number') return folded;
  if (folded instanceof Tensor) return constantOf(name, folded);
  return folded.map((tensor, i) => constantOf(`${name}.${i}`, tensor));
}

/** Of an operator that finds how many rows its result has, these rows and their number. */
function outputsOf(node: Node, results: ReadonlyMap<Node, Result>): Value[] {
  const [returned] = node.args;
  return (isArgumentList(returned) ? returned : [returned]).flatMap((arg) => {
    const result = arg instanceof Node ? results.get(arg) : undefined;
    if (arg instanceof Node && decidesExtent(arg)) return result as readonly Value[];
    if (!(result instanceof Value)) throw new Error(`output ${String(arg)} is not a tensor`);
    return [result];
  });
}

function withoutDeadCode(program: Program): Program {
  const needed = new Set<Value>();
  const need = (value: Value): void => {
    if (needed.has(value)) return;
    needed.add(value);
    if (value.origin.kind === 'view' || value.origin.kind === 'strided') need(value.origin.of);
  };
  program.outputs.forEach(need);
  const instructions = program.instructions.toReversed().filter((instruction) => {
    const used = instruction.outputs.some((output) => needed.has(output));
    if (used) instruction.inputs.forEach(need);
    return used;
  });
  return { ...program, instructions: instructions.reverse() };
}
