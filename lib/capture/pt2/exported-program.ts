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
} from '../../graph/index.ts';
import type { Tensor } from '../../tensor/index.ts';
import { decompositions } from '../decompositions/all.ts';
import { decompose } from '../decompositions/decompose.ts';
import { isInPlace, MemoryTracker } from '../in-place.ts';
import { widenHalf } from '../widen-half.ts';
import { readArgument } from './arguments.ts';
import { bindByName } from './bind-arguments.ts';
import { checkOperators, checkShapes, targetOf } from './checks.ts';
import { deriveSourceFnStack, parseModuleStack, parseSourceFnStack } from './module-stack.ts';
import { promoteTypes } from './promote-types.ts';
import { ProgramValues } from './values.ts';

/** Where a program's tensors are stored: parameters and buffers, and constants outside the state dict. */
export interface ProgramTensors {
  readonly state: ReadonlyMap<string, Tensor>;
  readonly constants: ReadonlyMap<string, Tensor>;
}

/**
 * Builds the graph of a serialized exported program, unlifted like PyTorch's `ExportedProgram.module()`: parameters,
 * buffers and constants become `get_attr` nodes in the order of the signature. Arguments that were constant at export
 * (None, numbers, strings) are not inputs: their effect is part of the graph. Results that are None are left out.
 * @param label what warnings call the program.
 * @throws Error that names the position in the document or in the model: an unknown schema version, operators that are
 * not supported (all at once, each with its count), a call that its operator rejects, a weight that is missing or of
 * the wrong shape, and anything malformed.
 */
export function buildProgram(
  document: JsonCursor,
  tensors: ProgramTensors,
  library: OperatorLibrary,
  label: string,
): GraphModule {
  checkVersion(document);
  const graph = document.field('graph_module').field('graph');
  checkOperators(graph, library);
  const module = new GraphModule();
  readRangeConstraints(document, module);
  new ProgramBuilder(module, graph, tensors, library).build(
    document.field('graph_module').field('signature'),
  );
  widenHalf(module, label);
  decompose(module);
  promoteTypes(module);
  module.graph.lint();
  checkShapes(module, library);
  return module;
}

/** The schema's major version; minor ones only add fields. */
const KNOWN_MAJOR = 8;

function checkVersion(document: JsonCursor): void {
  const version = document.field('schema_version');
  const [major, minor] = [version.field('major').integer(), version.field('minor').integer()];
  if (major === KNOWN_MAJOR) return;
  const writer = document.optionalField('torch_version')?.string() ?? 'an unknown version';
  throw new Error(
    `the program has schema version ${major}.${minor}, written by PyTorch ${writer}; ` +
      `version ${KNOWN_MAJOR} (PyTorch 2.6 and 2.7) is supported`,
  );
}

function readRangeConstraints(document: JsonCursor, module: GraphModule): void {
  for (const [symbol, range] of document.field('range_constraints').entries())
    module.rangeConstraints.set(symbol, {
      min: range.optionalField('min_val')?.integer() ?? 0,
      max: range.optionalField('max_val')?.integer() ?? Number.POSITIVE_INFINITY,
    });
}

class ProgramBuilder {
  readonly #module: GraphModule;
  readonly #graph: Graph;
  readonly #document: JsonCursor;
  readonly #tensors: ProgramTensors;
  readonly #library: OperatorLibrary;
  readonly #values: ProgramValues;
  readonly #nodes = new Map<string, Node>();
  readonly #memory = new MemoryTracker();
  /** Arguments that are floats in Python, although their values are whole and the schema would accept integers. */
  #floats: string[] = [];

  constructor(module: GraphModule, document: JsonCursor, tensors: ProgramTensors, library: OperatorLibrary) {
    this.#module = module;
    this.#graph = module.graph;
    this.#document = document;
    this.#tensors = tensors;
    this.#library = library;
    this.#values = new ProgramValues(document, module.rangeConstraints);
  }

  build(signature: JsonCursor): void {
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
    switch (kind) {
      case 'parameter':
        this.#attribute(at, at.field('parameter_name').string(), this.#tensors.state);
        return;
      case 'buffer': {
        const source = at.field('persistent').bool() ? this.#tensors.state : this.#tensors.constants;
        this.#attribute(at, at.field('buffer_name').string(), source);
        return;
      }
      case 'tensor_constant':
        this.#attribute(at, at.field('tensor_constant_name').string(), this.#tensors.constants);
        return;
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
    const { schema } = decompositions.get(target)?.[0] ?? this.#library.get(target);
    this.#floats = [];
    const named = at
      .field('inputs')
      .items()
      .map((input) => this.#namedArgument(input, schema));
    const { args, kwargs } = this.#bind(at, schema, named);
    const names = this.#outputNames(at.field('outputs'));
    const single = names.length === 1 && !Array.isArray(names[0]) ? (names[0] as string) : undefined;
    // The archive names results only. The node of several results gets the name that the tracer uses, the operator's.
    const node = this.#graph.callFunction(target, args, kwargs, single ?? target.split('.')[1]);
    for (const input of node.allInputNodes) this.#memory.checkRead(node.name, input);
    this.#readMetadata(at.field('metadata'), node);
    if (this.#floats.length > 0) node.meta.floatArguments = this.#floats;
    if (single !== undefined) this.#define(at, single, node, this.#values.get(single));
    else this.#unpack(at, node, names.flat());
    if (isInPlace(target)) this.#replaceLaterUses(node);
  }

  #bind(at: JsonCursor, schema: Schema, named: readonly (readonly [string, Argument])[]) {
    try {
      return bindByName(schema, named);
    } catch (error) {
      return at.fail(`cannot be called: ${(error as Error).message}`);
    }
  }

  /** Names the results: one name, several, or one list of names. */
  #outputNames(outputs: JsonCursor): (string | string[])[] {
    return outputs.items().flatMap((output): (string | string[])[] => {
      const [kind, value] = output.union();
      if (kind === 'as_tensor') return [value.field('name').string()];
      if (kind === 'as_sym_int' || kind === 'as_sym_bool') return [value.field('as_name').string()];
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

  #replaceLaterUses(writer: Node): void {
    const [written] = writer.allInputNodes;
    for (const [name, node] of this.#nodes) if (node === written) this.#nodes.set(name, writer);
  }

  #node(at: JsonCursor, name: string): Node {
    return this.#nodes.get(name) ?? at.fail(`refers to '${name}', which is not defined before`);
  }

  #namedArgument(input: JsonCursor, schema: Schema): readonly [string, Argument] {
    const name = input.field('name').string();
    const [kind, value] = input.field('arg').union();
    const argument = readArgument(kind, value, (at, node) => this.#node(at, node));
    const type = schema.arguments.find((candidate) => candidate.name === name)?.type;
    const float = kind === 'as_float' && Number.isInteger(argument) && type !== 'float';
    if (float) this.#floats.push(name);
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
    const node = this.#node(value, value.field('name').string());
    this.#memory.checkRead('output', node);
    return [node];
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

function describe(tensor: { readonly dtype: string; readonly shape: readonly unknown[] }): string {
  return `${tensor.dtype} [${tensor.shape.join(', ')}]`;
}
