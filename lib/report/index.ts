/** `octavo/report`: all that is known of a quantized model, as data and as one HTML page. `octavo/runtime` loads nothing of it. */
export type { JsonDecibels, JsonMeasures } from '../numerics/json-measures.ts';
export { collectReport, type ReportOptions } from './collect.ts';
export type {
  AccuracyFacts,
  ErrorFacts,
  HistogramFacts,
  MachineFacts,
  MemoryRate,
  Models,
  NodeFacts,
  ProductType,
  QuantizationFacts,
  ReportFacts,
  Roofline,
  SizeFacts,
  StepFacts,
  TensorFacts,
  TimeFacts,
  WeightFacts,
} from './facts.ts';
export { renderReport } from './page/page.ts';
export type { ReportSubject } from './subject.ts';
