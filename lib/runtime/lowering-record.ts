import { JsonCursor } from '../formats/json-cursor.ts';
import { parseJson } from '../formats/parse-json.ts';
import type { LoweringRecord } from '../lowering/index.ts';

/** The record of lowering as stored in a saved model: rows without field names, passes by their index. */
export function serializeLoweringRecord({ passes, nodes, refusals }: LoweringRecord): string {
  const indices = new Map(passes.map(({ pass }, index) => [pass, index]));
  return JSON.stringify({
    passes: passes.map(({ pass, count }) => [pass, count]),
    nodes: nodes.map((entry) => [
      entry.node,
      entry.target,
      entry.computedBy,
      entry.passes.map((pass) => indices.get(pass)),
    ]),
    refusals: refusals.map(({ node, pass, reason, operators }) => [node, pass, reason, operators]),
  });
}

/**
 * Reads what {@link serializeLoweringRecord} wrote.
 * @throws Error that names the place that differs from this form.
 */
export function parseLoweringRecord(text: string): LoweringRecord {
  const record = new JsonCursor(parseJson(text), 'lowering');
  const passes = rows(record.field('passes'), 2).map(([pass, count]) => ({
    pass: pass.string(),
    count: count.integer(),
  }));
  const passAt = (index: JsonCursor) => passes[index.integer()]?.pass ?? index.fail('is no index of a pass');
  return {
    passes,
    nodes: rows(record.field('nodes'), 4).map(([node, target, computedBy, history]) => ({
      node: node.string(),
      target: target.string(),
      computedBy: strings(computedBy),
      passes: history.items().map(passAt),
    })),
    refusals: rows(record.field('refusals'), 4).map(([node, pass, reason, operators]) => ({
      node: node.string(),
      pass: pass.string(),
      reason: reason.string(),
      operators: strings(operators),
    })),
  };
}

function rows(list: JsonCursor, length: number): JsonCursor[][] {
  return list.items().map((row) => {
    const cells = row.items();
    return cells.length === length ? cells : row.fail(`has ${cells.length} cells, not ${length}`);
  });
}

const strings = (list: JsonCursor): string[] => list.items().map((item) => item.string());
