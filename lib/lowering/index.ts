export { type AutocastOptions, type Lowered, type LowerOptions, lower } from './lower.ts';
export type { LoweringRecord, PassCount, Provenance, RecordedRefusal, Refusal } from './record.ts';
export { formatRefusals, type LoweredNode, type LoweringReport, type Outcome, reportOf } from './report.ts';
