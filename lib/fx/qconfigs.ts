import type { Node } from '../graph/index.ts';
import { qconfigEquals } from '../quantization/index.ts';
import type { Call } from './calls.ts';
import type { Match } from './matches.ts';
import { parentOf, type QConfigAny, type QConfigMapping } from './qconfig-mapping.ts';

/**
 * The configuration of every pattern found (counterpart: `_generate_node_name_to_qconfig`). Of layers that are modules, it is the layer's,
 * whatever follows it; of other patterns, that of the last operator.
 * @throws Error when types that are fused are configured differently.
 */
export function qconfigsOf(
  matches: readonly Match[],
  calls: ReadonlyMap<Node, Call>,
  mapping: QConfigMapping,
): ReadonlyMap<Match, QConfigAny> {
  const numbers = numbersOf(calls);
  return new Map(
    matches.map((match) => {
      const isModule = match.calls[0].isModule;
      if (isModule) checkTypes(match, mapping);
      const place = isModule ? 0 : match.nodes.length - 1;
      return [match, qconfigOf(match.calls[place]!, numbers.get(match.nodes[place]!)!, mapping)] as const;
    }),
  );
}

function qconfigOf(call: Call, number: number, mapping: QConfigMapping): QConfigAny {
  const { type, isModule, moduleName, moduleType } = call;
  const parent = isModule ? parentOf(moduleName) : moduleName;
  const named = [
    mapping.ofNumber(parent, type, number),
    mapping.ofModule(moduleName),
    isModule ? undefined : mapping.ofType(moduleType),
    mapping.ofType(type),
    mapping.globalQconfig,
  ];
  return named.find((qconfig) => qconfig !== undefined)!;
}

/** Which call of its type within its module each node belongs to, counted from 0. */
function numbersOf(calls: ReadonlyMap<Node, Call>): ReadonlyMap<Node, number> {
  const counts = new Map<string, number>();
  const known = new Map<string, number>();
  return new Map(
    [...calls].map(([node, { type, isModule, moduleName, id }]) => {
      const key = `${isModule ? parentOf(moduleName) : moduleName} ${type}`;
      const call = id === undefined ? undefined : `${key} ${id}`;
      const number = (call === undefined ? undefined : known.get(call)) ?? counts.get(key) ?? 0;
      if (call === undefined || !known.has(call)) counts.set(key, number + 1);
      if (call !== undefined) known.set(call, number);
      return [node, number] as const;
    }),
  );
}

function checkTypes({ calls: [layer, ...fused] }: Match, mapping: QConfigMapping): void {
  for (const { type } of fused) {
    // The function becomes part of the layer as if it were the module.
    const moduleType = type === 'torch.nn.functional.relu' ? 'torch.nn.ReLU' : type;
    const [first, other] = [layer.type, moduleType].map((each) => mapping.ofType(each) ?? null);
    if (!qconfigEquals(first!, other!))
      throw new Error(
        `QConfigMapping: ${layer.type} and ${moduleType} are quantized together in '${layer.moduleName}', so their types need the same ` +
          'configuration; set both, or set that of the module by name',
      );
  }
}
