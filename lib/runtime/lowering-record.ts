import { JsonCursor } from '../capture/json-cursor.ts';
import type { LoweringRecord } from '../lowering/index.ts';

/**
 * Reads the record of lowering that a saved model holds.
 * @throws Error that says where it is not what was written.
 */
export function parseLoweringRecord(text: string): LoweringRecord {
  const record = new JsonCursor(JSON.parse(text), 'lowering');
  return {
    passes: record
      .field('passes')
      .items()
      .map((entry) => ({ pass: entry.field('pass').string(), count: entry.field('count').integer() })),
    nodes: record
      .field('nodes')
      .items()
      .map((entry) => ({
        node: entry.field('node').string(),
        target: entry.field('target').string(),
        computedBy: strings(entry.field('computedBy')),
        passes: strings(entry.field('passes')),
      })),
    refusals: record
      .field('refusals')
      .items()
      .map((entry) => ({
        node: entry.field('node').string(),
        pass: entry.field('pass').string(),
        reason: entry.field('reason').string(),
        operators: strings(entry.field('operators')),
      })),
  };
}

const strings = (list: JsonCursor): string[] => list.items().map((item) => item.string());
