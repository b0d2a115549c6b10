import type { GraphMessage, NodeMessage } from './messages.ts';

/** A list of nodes with the names that it makes results of: a graph, or a function's body. */
export interface NodeList {
  readonly node: readonly NodeMessage[];
  readonly results: readonly string[];
  /** Names that something else defines: inputs, initializers. */
  readonly given: ReadonlySet<string>;
}

/**
 * The nodes that the results need, each after those whose values it reads. The order is otherwise the file's, which should
 * be such an order and sometimes is not.
 * @throws Error when a name is defined twice, or a node needs itself.
 */
export function orderedNodes(list: NodeList): NodeMessage[] {
  const makers = new Map<string, NodeMessage>();
  for (const node of list.node)
    for (const name of node.output) {
      if (name === '') continue;
      if (makers.has(name) || list.given.has(name))
        throw new Error(`${describeNode(node)} defines '${name}', which is defined already`);
      makers.set(name, node);
    }
  const needed = reachable(list.results, makers);
  const state = new Map<NodeMessage, 'entered' | 'done'>();
  const ordered: NodeMessage[] = [];
  for (const start of list.node) {
    if (!needed.has(start)) continue;
    // Not by recursion: a file may chain any number of nodes.
    const stack = [start];
    while (stack.length > 0) {
      const node = stack.at(-1)!;
      if (state.has(node)) {
        stack.pop();
        if (state.get(node) === 'entered') ordered.push(node);
        state.set(node, 'done');
        continue;
      }
      state.set(node, 'entered');
      for (const name of namesRead(node)) {
        const maker = makers.get(name);
        if (!maker || state.get(maker) === 'done') continue;
        if (state.get(maker) === 'entered')
          throw new Error(`${describeNode(node)} reads '${name}', which is computed from its own result`);
        stack.push(maker);
      }
    }
  }
  return ordered;
}

function reachable(results: readonly string[], makers: ReadonlyMap<string, NodeMessage>): Set<NodeMessage> {
  const needed = new Set<NodeMessage>();
  const pending = [...results];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const node = makers.get(name);
    if (!node || needed.has(node)) continue;
    needed.add(node);
    for (const read of namesRead(node)) pending.push(read);
  }
  return needed;
}

/** Names that a node reads, those inside of its graphs included. */
export function namesRead(node: NodeMessage): readonly string[] {
  const inner = node.attribute.flatMap(({ g }) => (g ? namesReadByGraph(g) : []));
  return [...node.input.filter((name) => name !== ''), ...inner];
}

/** What a graph inside of another one reads from around it: everything that it does not define. */
function namesReadByGraph(graph: GraphMessage): readonly string[] {
  const defined = new Set([
    ...graph.input.map(({ name }) => name),
    ...graph.initializer.map(({ name }) => name),
    ...graph.node.flatMap(({ output }) => output),
  ]);
  const read = [...graph.node.flatMap(namesRead), ...graph.output.map(({ name }) => name)];
  return read.filter((name) => !defined.has(name));
}

/** What messages call a node: the name that the file has for it, or its first output's. */
export function describeNode({ name, opType, domain, output }: NodeMessage): string {
  const operator = domain === '' || domain === 'ai.onnx' ? opType : `${domain}.${opType}`;
  return name === ''
    ? `the node (${operator}) of '${output.find((each) => each !== '') ?? ''}'`
    : `node '${name}' (${operator})`;
}
