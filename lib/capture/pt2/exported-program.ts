import type { JsonCursor } from '../../formats/json-cursor.ts';
import {
  type Argument,
  GET_ITEM,
  type Graph,
  GraphModule,
  isTensorMeta,
  type MetaValue,
  type Node,
  type OperatorLibrary,
  type Schema,
  type SymbolRange,
} from '../../graph/index.ts';
import type { Tensor } from '../../tensor/index.ts';
import { decompositions } from '../decompositions/all.ts';
import { decompose } from '../decompositions/decompose.ts';
import { MemoryTracker } from '../in-place.ts';
import { settleCounts } from '../settled-counts.ts';
import { widenHalf } from '../widen-half.ts';
import { readArgument } from './arguments.ts';
import { bindByName } from './bind-arguments.ts';
import { assertsTwoElements, checkOperators, checkShapes, isAssertion, targetOf } from './checks.ts';
import { branchOf, COND } from './condition.ts';
import { countsBatches, toEvaluationMode } from './evaluation-mode.ts';
import type { ModelArchive } from './model-archive.ts';
import { deriveSourceFnStack, parseModuleStack, parseSourceFnStack } from './module-stack.ts';
import { type ProgramTensors, readTensors, tensorOf } from './program-tensors.ts';
import { promoteTypes } from './promote-types.ts';
import { ProgramValues } from './values.ts';

/**
 * Builds the graph of a serialized exported program, unlifted like PyTorch's `ExportedProgram.module()`: parameters,
 * buffers and constants become `get_attr` nodes in the order of the signature. Arguments that were constant at export
 * (None, numbers, strings) are not inputs: their effect is part of the graph. Results that are None are left out. A
 * program in training mode is read in evaluation mode. The program's guards (`guards_code`) are not evaluated: inputs are
 * checked by the symbols and ranges of their sizes, and the shape rules of the operators check all further sizes of every
 * request.
 * @param label what warnings call the program.
 * @throws Error (rejects) that names the position in the document or in the model: an unknown schema version, operators
 * that are not supported (all at once, each with its count), a call that its operator rejects, a weight that is missing
 * or of the wrong shape, and anything malformed.
 */
export async function buildProgram(
  archive: ModelArchive,
  library: OperatorLibrary,
  label: string,
): Promise<GraphModule> {
  const document = archive.program;
  readVersion(document);
  const graph = document.field('graph_module').field('graph');
  const signature = document.field('graph_module').field('signature');
  checkOperators(graph, library);
  const module = new GraphModule(undefined, [], [], readRangeConstraints(document));
  const tensors = await readTensors(signature, archive);
  new ProgramBuilder(module, graph, tensors, library).build(signature);
  toEvaluationMode(module.graph, library);
  widenHalf(module, label);
  decompose(module);
  settleCounts(module);
  promoteTypes(module);
  module.graph.lint();
  checkShapes(module, library);
  return module;
}

/** The schema's major version; minor ones only add fields. */
const KNOWN_MAJOR = 8;

/**
 * The version of the document's schema, and of the PyTorch that wrote it.
 * @throws Error when the schema is of another major version than the known one.
 */
export function readVersion(document: JsonCursor): { readonly version: string; readonly writer: string } {
  const at = document.field('schema_version');
  const [major, minor] = [at.field('major').integer(), at.field('minor').integer()];
  const version = `${major}.${minor}`;
  const writer = document.optionalField('torch_version')?.string() ?? 'an unknown version';
  if (major !== KNOWN_MAJOR)
    throw new Error(
      `the program has schema version ${version}, written by PyTorch ${writer}; ` +
        `version ${KNOWN_MAJOR} (PyTorch 2.6 and later) is supported`,
    );
  return { version, writer };
}

/** The ranges of the document's symbols. */
export function readRangeConstraints(document: JsonCursor): Map<string, SymbolRange> {
  return new Map(
    document
      .field('range_constraints')
      .entries()
      .map(([symbol, range]) => [
        symbol,
        {
          min: range.optionalField('min_val')?.integer() ?? 0,
          max: range.optionalField('max_val')?.integer() ?? Number.POSITIVE_INFINITY,
        },
      ]),
  );
}

class ProgramBuilder {
  readonly #parameters = new Set<string>();
  readonly #module: GraphModule;
  readonly #graph: Graph;
  readonly #document: JsonCursor;
  readonly #tensors: ProgramTensors;
  readonly #library: OperatorLibrary;
  readonly #values: ProgramValues;
  readonly #nodes = new Map<string, Node>();
  readonly #memory: MemoryTracker;
  /** Arguments that are floats in Python, although their values are whole and the schema would accept integers. */
  #floats: string[] = [];

  constructor(
    module: GraphModule,
    document: JsonCursor,
    tensors: ProgramTensors,
    library: OperatorLibrary,
    memory = new MemoryTracker(module.graph),
  ) {
    this.#memory = memory;
    this.#module = module;
    this.#graph = module.graph;
    this.#document = document;
    this.#tensors = tensors;
    this.#library = library;
    this.#values = new ProgramValues(document, module.rangeConstraints);
  }

  build(signature: JsonCursor): void {
    this.#module.meta.parameters = this.#parameters;
    for (const spec of signature.field('input_specs').items()) this.#input(spec);
    for (const node of this.#document.field('nodes').items()) this.#call(node);
    const outputs = signature
      .field('output_specs')
      .items()
      .flatMap((spec) => this.#output(spec));
    this.#graph.output(outputs);
  }

  #input(spec: JsonCursor): void {
    const [kind, at] = spec.union();
    const stored = tensorOf(spec);
    if (stored) {
      const { name, isConstant } = stored;
      this.#attribute(at, name, isConstant ? this.#tensors.constants : this.#tensors.state);
      if (kind === 'parameter' && this.#values.requiresGrad(at.field('arg').field('name').string()))
        this.#parameters.add(name);
      return;
    }
    if (kind === 'custom_obj') {
      const name = at.field('custom_obj_name').string();
      at.fail(`is the custom object '${name}' (TorchBind), which only PyTorch can load`);
    }
    switch (kind) {
      case 'constant_input':
        return;
      case 'user_input': {
        const [argument, value] = at.field('arg').union();
        if (argument !== 'as_tensor') value.fail(`is an input of kind '${argument}'; inputs must be tensors`);
        const name = value.field('name').string();
        const meta = this.#values.get(name);
        if (!isTensorMeta(meta))
          value.fail(`is the input '${name}', of which the graph tells no dtype and shape`);
        this.#define(value, name, this.#graph.placeholder(name), meta);
        return;
      }
      default:
        at.fail(`is an input of kind '${kind}', which is not supported`);
    }
  }

  #attribute(at: JsonCursor, target: string, source: ReadonlyMap<string, Tensor>): void {
    const name = at.field('arg').field('name').string();
    const tensor = source.get(target);
    if (!tensor) throw new Error(`the weight '${target}' is missing from the archive`);
    const meta = this.#values.get(name);
    const declared = isTensorMeta(meta) ? describe(meta) : 'no tensor';
    if (declared !== describe(tensor))
      throw new Error(`the weight '${target}' is ${describe(tensor)}, but the graph declares ${declared}`);
    this.#module.attributes.set(target, tensor);
    this.#define(at, name, this.#graph.getAttr(target), meta);
  }

  #define(at: JsonCursor, name: string, node: Node, meta: MetaValue | undefined): void {
    if (this.#nodes.has(name)) at.fail(`defines '${name}' a second time`);
    if (meta !== undefined) node.meta.val = meta;
    this.#nodes.set(name, node);
    this.#memory.add(node);
  }

  #call(at: JsonCursor): void {
    const target = targetOf(at);
    if (isAssertion(target)) return;
    if (target === COND) {
      this.#inline(at);
      return;
    }
    const { schema } = decompositions.get(target)?.[0] ?? this.#library.get(target);
    this.#floats = [];
    const named = at
      .field('inputs')
      .items()
      .map((input) => this.#namedArgument(input, schema));
    const { args, kwargs } = this.#bind(at, schema, named);
    if (assertsTwoElements(target, args)) return;
    if (countsBatches(target, args)) {
      // A batch norm that is called again counts on from there.
      for (const name of this.#outputNames(at.field('outputs')).flat())
        this.#nodes.set(name, args[0] as Node);
      return;
    }
    if (target === 'aten.as_strided.default') this.#checkStorage(at, args);
    const names = this.#outputNames(at.field('outputs'));
    const single = names.length === 1 && !Array.isArray(names[0]) ? (names[0] as string) : undefined;
    // Older archives name results only. The node of several results gets the name that the tracer uses, the operator's.
    const name = single ?? at.optionalField('name')?.string() ?? target.split('.')[1];
    const node = this.#graph.callFunction(target, args, kwargs, name);
    this.#readMetadata(at.field('metadata'), node);
    if (this.#floats.length > 0) node.meta.floatArguments = this.#floats;
    if (single !== undefined) this.#define(at, single, node, this.#values.get(single));
    else this.#unpack(at, node, names.flat());
  }

  /** Reads the branch that a constant predicate takes in the place of a `torch.cond`. */
  #inline(at: JsonCursor): void {
    const { graph, operands } = branchOf(at, (name) => {
      const node = this.#nodes.get(name);
      return node?.op === 'get_attr' ? this.#module.attribute(node.target) : undefined;
    });
    checkOperators(graph, this.#library);
    const branch = new ProgramBuilder(this.#module, graph, this.#tensors, this.#library, this.#memory);
    const given = operands.items().map((operand) => this.#node(operand, operand.field('name').string()));
    for (const [i, input] of graph.field('inputs').items().entries())
      branch.#nodes.set(tensorName(input), given[i] ?? input.fail('has no operand'));
    for (const node of graph.field('nodes').items()) branch.#call(node);
    const results = graph.field('outputs').items();
    for (const [i, name] of this.#outputNames(at.field('outputs')).flat().entries())
      this.#nodes.set(name, branch.#node(results[i], tensorName(results[i])));
  }

  #bind(at: JsonCursor, schema: Schema, named: readonly (readonly [string, Argument])[]) {
    try {
      return bindByName(schema, named);
    } catch (error) {
      return at.fail(`cannot be called: ${(error as Error).message}`);
    }
  }

  /** Strides count in the memory of a tensor, which Octavo knows only if it is in the order of its elements. */
  #checkStorage(at: JsonCursor, [viewed]: readonly Argument[]): void {
    const name = [...this.#nodes].find(([, node]) => node === viewed)?.[0];
    if (name === undefined || !this.#values.isRowMajor(name))
      at.fail(
        `calls as_strided of '${viewed}', which PyTorch did not store row by row; write it without as_strided, or of contiguous()`,
      );
  }

  /** Names the results: one name, several, or one list of names. */
  #outputNames(outputs: JsonCursor): (string | string[])[] {
    return outputs.items().flatMap((output): (string | string[])[] => {
      const [kind, value] = output.union();
      if (kind === 'as_tensor') return [value.field('name').string()];
      if (kind === 'as_sym_int' || kind === 'as_sym_bool' || kind === 'as_sym_float')
        return [value.field('as_name').string()];
      if (kind === 'as_tensors') return [value.items().map((item) => item.field('name').string())];
      return kind === 'as_none' ? [] : value.fail(`is an output of kind '${kind}', which is not supported`);
    });
  }

  /** Creates a node for each of several results, as torch.fx does with `operator.getitem`. */
  #unpack(at: JsonCursor, node: Node, names: readonly string[]): void {
    const metas = names.map((name) => this.#values.get(name));
    if (metas.every(isTensorMeta)) node.meta.val = metas;
    this.#memory.add(node);
    for (const [i, name] of names.entries()) {
      // PyTorch invents names for unused results, which have no nodes in the traced graph.
      if (/_unused_\d+$/.test(name)) continue;
      this.#define(at, name, this.#graph.callFunction(GET_ITEM, [node, i], {}, name), metas[i]);
    }
  }

  #node(at: JsonCursor, name: string): Node {
    const node = this.#nodes.get(name) ?? at.fail(`refers to '${name}', which is not defined before`);
    return this.#memory.current(node);
  }

  #namedArgument(input: JsonCursor, schema: Schema): readonly [string, Argument] {
    const name = input.field('name').string();
    const [kind, value] = input.field('arg').union();
    const argument = readArgument(kind, value, (at, node) => this.#node(at, node));
    const type = schema.arguments.find((candidate) => candidate.name === name)?.type;
    const isWhole = kind === 'as_float' && Number.isInteger(argument);
    if ((isWhole || kind === 'as_sym_float') && type !== 'float') this.#floats.push(name);
    return [name, argument];
  }

  /** Returns no node for a result that is always None. */
  #output(spec: JsonCursor): Node[] {
    const [kind, at] = spec.union();
    if (kind === 'buffer_mutation')
      at.fail(
        `updates the buffer '${at.field('buffer_name').string()}'; call model.eval() before the export`,
      );
    if (kind !== 'user_output') at.fail(`is an output of kind '${kind}', which is not supported`);
    const [argument, value] = at.field('arg').union();
    if (argument === 'as_none') return [];
    if (argument !== 'as_tensor') value.fail(`is an output of kind '${argument}'; outputs must be tensors`);
    return [this.#node(value, value.field('name').string())];
  }

  #readMetadata(metadata: JsonCursor, node: Node): void {
    const moduleStack = metadata.optionalField('nn_module_stack')?.string();
    const sourceFnStack = metadata.optionalField('source_fn_stack')?.string();
    const torchFn = metadata.optionalField('torch_fn')?.string();
    const stackTrace = metadata.optionalField('stack_trace')?.string();
    if (moduleStack !== undefined) node.meta.nnModuleStack = parseModuleStack(moduleStack);
    const sources =
      sourceFnStack === undefined
        ? deriveSourceFnStack(moduleStack, torchFn)
        : parseSourceFnStack(sourceFnStack);
    if (sources.length > 0) node.meta.sourceFnStack = sources;
    if (stackTrace !== undefined) node.meta.stackTrace = stackTrace;
  }
}

/** The name of a branch's input or result. */
function tensorName(at: JsonCursor): string {
  const [kind, value] = at.union();
  return kind === 'as_tensor'
    ? value.field('name').string()
    : value.fail(`is of kind '${kind}'; branches of torch.cond have tensors`);
}

function describe(tensor: { readonly dtype: string; readonly shape: readonly unknown[] }): string {
  return `${tensor.dtype} [${tensor.shape.join(', ')}]`;
}
