export { type AutocastOptions, type Lowered, type LowerOptions, lower } from './lower.ts';
export {
  formatRefusals,
  type LoweredNode,
  type LoweringReport,
  type PassCount,
  type Refusal,
} from './report.ts';
