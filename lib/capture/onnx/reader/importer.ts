import type { GraphModule } from '../../../graph/index.ts';
import { FileTensors } from '../../../native/file-tensors.ts';
import type { Tensor } from '../../../tensor/index.ts';
import { dtypeOfOnnx } from '../dtype.ts';
import { Attributes } from './attributes.ts';
import { OnnxCall } from './call.ts';
import { branchOf, selectBranch } from './control-flow.ts';
import { fold } from './folding/fold.ts';
import { bindBody, FunctionLibrary } from './functions.ts';
import { GraphWriter } from './graph-writer.ts';
import { type InputChoices, InputReader } from './inputs.ts';
import type {
  FunctionMessage,
  GraphMessage,
  NodeMessage,
  TensorMessage,
  ValueInfoMessage,
} from './messages.ts';
import { domainName, type ModelFile, opsetsOf } from './model-file.ts';
import { moduleStackOf } from './module-stack.ts';
import { checkOperators, readerOf } from './operators/index.ts';
import { describeNode, namesRead, orderedNodes } from './ordered-nodes.ts';
import { Scope } from './scope.ts';
import { readSparseTensor, readTensor, type TensorContents } from './tensors.ts';
import { ConstantValue, type OnnxValue } from './values.ts';

/** Functions that call functions, and graphs inside of graphs, are followed as deep as this. */
const deepest = 64;
/** As many nodes are read at most, functions inlined: a few functions that call each other twice could make any number. */
const mostNodes = 2 ** 20;

type Results = readonly (OnnxValue | undefined)[];

/** Writes the graph of a model's file. */
export class Importer {
  readonly #file: ModelFile;
  readonly #writer = new GraphWriter();
  readonly #inputs: InputReader;
  readonly #functions: FunctionLibrary;
  readonly #contents: TensorContents;
  readonly #read: (tensor: TensorMessage) => Tensor;
  #depth = 0;
  #count = 0;

  constructor(file: ModelFile, choices: InputChoices) {
    this.#file = file;
    this.#inputs = new InputReader(this.#writer, choices);
    this.#functions = new FunctionLibrary(file.model.functions);
    this.#contents = { contentOf: file.contentOf, inFile: new FileTensors() };
    this.#read = (tensor) => readTensor(tensor, this.#contents);
  }

  /** @throws Error that names the node, the input or the initializer where the model cannot be read. */
  import(): GraphModule {
    const { graph, opsets } = this.#file;
    const names = graph.output.map(({ name }) => name);
    if (names.length === 0) throw new Error('the graph has no outputs');
    const scope = new Scope(opsets);
    this.#defineInitializers(graph, scope);
    this.#defineInputs(graph, scope);
    const given = scope.names;
    checkOperators(orderedNodes({ node: graph.node, results: names, given }), opsets, this.#functions);
    this.#nodes(graph.node, names, scope);
    this.#writer.origin = { name: '', meta: {} };
    const results = graph.output.map((info) => this.#writer.node(this.#output(info, scope)));
    this.#writer.module.graph.output(results, names);
    return this.#writer.module;
  }

  #defineInitializers(graph: GraphMessage, scope: Scope): void {
    for (const tensor of graph.initializer)
      scope.defineLate(tensor.name, () => new ConstantValue(this.#read(tensor), tensor.name));
    for (const sparse of graph.sparseInitializer) {
      const name = sparse.values?.name ?? '';
      scope.defineLate(name, () => new ConstantValue(readSparseTensor(sparse, this.#contents), name));
    }
  }

  /** Files of the first versions list initializers among the inputs. */
  #defineInputs({ input }: GraphMessage, scope: Scope): void {
    const inputs = input.filter(({ name }) => this.#inputs.isBound(name) || !scope.hasInitializer(name));
    this.#inputs.checkNames(inputs.map(({ name }) => name));
    for (const info of inputs) {
      if (scope.find(info.name) && !scope.hasInitializer(info.name))
        throw new Error(`two inputs are named '${info.name}'`);
      scope.define(info.name, this.#inputs.read(info));
    }
  }

  #nodes(nodes: readonly NodeMessage[], results: readonly string[], scope: Scope): void {
    const ordered = orderedNodes({ node: nodes, results, given: scope.names });
    const read = new Set([...results, ...ordered.flatMap((node) => namesRead(node))]);
    for (const node of ordered) {
      try {
        this.#define(node, this.#node(node, read, scope), read, scope);
      } catch (error) {
        throw new Error(`${describeNode(node)}: ${(error as Error).message}`, { cause: error });
      }
    }
  }

  #define(node: NodeMessage, values: Results, read: ReadonlySet<string>, scope: Scope): void {
    for (const [i, name] of node.output.entries()) {
      if (name === '' || !read.has(name)) continue;
      const value = values[i];
      if (!value) throw new Error(`its output ${i} ('${name}') is not supported`);
      scope.define(name, value);
    }
  }

  #node(node: NodeMessage, read: ReadonlySet<string>, scope: Scope): Results {
    if (++this.#count > mostNodes) throw new Error(`the model has more than ${mostNodes} nodes`);
    const inputs = node.input.map((name) => (name === '' ? undefined : scope.get(name)));
    const body = this.#functions.find(node);
    if (body) return this.#function(node, body, inputs);
    const domain = domainName(node.domain);
    // Names in a graph are words: `/conv1/Conv` becomes `conv1_Conv`.
    this.#writer.origin = { name: node.name.replace(/^\W+/, ''), meta: moduleStackOf(node.name) };
    const call = new OnnxCall(this.#writer, {
      opType: node.opType,
      opset: scope.opsets.get(domain) ?? 1,
      attributes: new Attributes(node.attribute, this.#read),
      inputs,
      wanted: node.output.map((name) => name !== '' && read.has(name)),
    });
    if (domain === '' && node.opType === 'If') return this.#if(call, scope);
    const folded = domain === '' ? fold(call) : undefined;
    const results = folded ?? readerOf(domain, node.opType, call.opset)(call);
    return Array.isArray(results) ? results : [results as OnnxValue];
  }

  /** A condition that is known decides; otherwise both branches are computed. */
  #if(call: OnnxCall, scope: Scope): Results {
    const branch = branchOf(call);
    if (branch) return this.#graph(branch, scope);
    const { origin } = this.#writer;
    const [yes, no] = ['then_branch', 'else_branch'].map((name) =>
      this.#graph(call.attributes.graph(name), scope),
    );
    this.#writer.origin = origin;
    return selectBranch(call, yes, no);
  }

  #graph(graph: GraphMessage, outer: Scope): readonly OnnxValue[] {
    return this.#nested(() => {
      const scope = new Scope(outer.opsets, outer);
      this.#defineInitializers(graph, scope);
      const results = graph.output.map(({ name }) => name);
      this.#nodes(graph.node, results, scope);
      return results.map((name) => scope.get(name));
    });
  }

  #function(node: NodeMessage, body: FunctionMessage, inputs: Results): Results {
    return this.#nested(() => {
      const scope = new Scope(opsetsOf(body.opsetImport));
      for (const [i, name] of body.input.entries()) if (inputs[i]) scope.define(name, inputs[i]);
      this.#nodes(bindBody(body, node), body.output, scope);
      return body.output.map((name) => scope.find(name));
    });
  }

  #nested<T>(read: () => T): T {
    if (++this.#depth > deepest) throw new Error(`functions or graphs are nested deeper than ${deepest}`);
    const result = read();
    this.#depth--;
    return result;
  }

  /** An output of the dtype that the file says: float16 was computed in float32. */
  #output(info: ValueInfoMessage, scope: Scope): OnnxValue {
    const value = scope.find(info.name);
    if (!value) throw new Error(`nothing defines the output '${info.name}'`);
    const declared = dtypeOfOnnx(info.type?.tensorType?.elemType ?? 0);
    if (declared !== 'float16' || value.dtype !== 'float32') return value;
    return this.#writer.call('aten.to.dtype', [value, 'float16']);
  }
}
