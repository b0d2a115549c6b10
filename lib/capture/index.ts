export { loadPt2 } from './pt2.ts';
