/** Takes steps, saves a checkpoint after each to the path it is given, and says so; until it is killed. */
import { saveCheckpoint } from '../../lib/training/index.ts';
import { countingTrainer, one } from './counting-trainer.ts';

const trainer = countingTrainer();
while (true) {
  await trainer.step({ x: one }, {});
  await saveCheckpoint(process.argv[2], { trainer });
  process.stdout.write(`${trainer.steps}\n`);
}
