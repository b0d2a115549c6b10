import { Random } from '../random.ts';
import { changeFields } from './change-fields.ts';
import { written } from './fields.ts';
import { drawFrames, framed } from './frames.ts';
import { drawFields } from './messages.ts';
import { type GrpcProblem, type GrpcVariant, grpcVariants } from './problem.ts';
import { drawStreams } from './streams.ts';

export function drawGrpc(seed: number): GrpcProblem {
  const random = new Random(seed);
  const variant = random.pick(grpcVariants);
  return { seed, variant, ...drawers[variant](random) };
}

type Drawn = Omit<GrpcProblem, 'seed' | 'variant'>;

const drawers: Readonly<Record<GrpcVariant, (random: Random) => Drawn>> = {
  messages: drawChanged,
  frames: drawFrames,
  streams: drawStreams,
};

function drawChanged(random: Random): Drawn {
  let fields = drawFields(random);
  const changes: string[] = [];
  for (let n = random.pick([0, 1, 1, 1, 2, 4]); n > 0; n--) {
    const changed = changeFields(random, fields);
    fields = changed.fields;
    changes.push(changed.what);
  }
  const message = written(fields);
  return {
    what: changes.join(', ') || 'nothing',
    call: { headers: {}, pieces: [framed(message)], isReset: false },
    bytes: Buffer.alloc(0),
    message,
    isValid: changes.length === 0,
  };
}
