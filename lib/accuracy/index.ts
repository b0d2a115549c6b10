export {
  type BiasCorrected,
  type BiasCorrectionOptions,
  type BiasCorrections,
  biasCorrection,
} from './bias-correction.ts';
export { type AccuracyControlled, quantizeWithAccuracyControl } from './control.ts';
export { formatAccuracyControl } from './format-record.ts';
export type { AccuracyControlOptions, Evaluate } from './options.ts';
export {
  type AccuracyAttempt,
  type AccuracyControlRecord,
  type AccuracyTechnique,
  accuracyControlOf,
  type RankedLayers,
  recordKey,
} from './record.ts';
