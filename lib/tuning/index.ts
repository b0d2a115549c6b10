export { type Tuned, type TuneOptions, tune } from './tune.ts';
