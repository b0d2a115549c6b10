import type { AttributeMessage, FunctionMessage, GraphMessage, NodeMessage } from './messages.ts';
import { domainName } from './model-file.ts';

/** The functions that a model brings with it: operators that are made of others. */
export class FunctionLibrary {
  readonly #functions: ReadonlyMap<string, FunctionMessage>;

  constructor(functions: readonly FunctionMessage[]) {
    this.#functions = new Map(functions.map((each) => [keyOf(each.domain, each.name, each.overload), each]));
  }

  /** How many there are. */
  get count(): number {
    return this.#functions.size;
  }

  /** The function that a node calls. It has precedence over an operator of that name. */
  find({ domain, opType, overload }: NodeMessage): FunctionMessage | undefined {
    return this.#functions.get(keyOf(domain, opType, overload));
  }
}

const keyOf = (domain: string, name: string, overload: string): string =>
  `${domainName(domain)}/${name}/${overload}`;

/**
 * A node of a function's body as the call of the function means it: with the attributes of the call, and without the inputs
 * that it leaves out.
 */
export function bindBody(body: FunctionMessage, call: NodeMessage): NodeMessage[] {
  const given = new Map(body.attributeProto.map((each) => [each.name, each]));
  for (const each of call.attribute) given.set(each.name, each);
  const absent = new Set(body.input.filter((_, i) => !call.input[i]));
  return body.node.map((node) => bindNode(node, given, absent));
}

function bindNode(
  node: NodeMessage,
  given: ReadonlyMap<string, AttributeMessage>,
  absent: ReadonlySet<string>,
): NodeMessage {
  const attribute = node.attribute.flatMap((each): AttributeMessage[] => {
    if (each.refAttrName === '') return [each.g ? withGraph(each, bindGraph(each.g, given, absent)) : each];
    const value = given.get(each.refAttrName);
    return value ? [renamed(value, each.name)] : [];
  });
  const { name, opType, domain, overload, output } = node;
  const input = node.input.map((each) => (absent.has(each) ? '' : each));
  return { name, opType, domain, overload, output, input, attribute };
}

function bindGraph(
  graph: GraphMessage,
  given: ReadonlyMap<string, AttributeMessage>,
  absent: ReadonlySet<string>,
): GraphMessage {
  const { name, initializer, sparseInitializer, input, output } = graph;
  const node = graph.node.map((each) => bindNode(each, given, absent));
  return { name, initializer, sparseInitializer, input, output, node };
}

/** Messages keep their defaults in their prototype, which a copy by spreading would lose. */
const renamed = (attribute: AttributeMessage, name: string): AttributeMessage =>
  Object.create(attribute, { name: { value: name } }) as AttributeMessage;

const withGraph = (attribute: AttributeMessage, g: GraphMessage): AttributeMessage =>
  Object.create(attribute, { g: { value: g } }) as AttributeMessage;
