/**
 * The thread behind Pacemaker. It sleeps in the kernel, to a few hundredths of a millisecond: a timer of the event loop would
 * be up to two late. Plain JavaScript, which a thread loads at once.
 */
import { parentPort } from 'node:worker_threads';

const never = new Int32Array(new SharedArrayBuffer(4));
const now = () => Number(process.hrtime.bigint()) / 1e6;

parentPort.on('message', ({ start, times }) => {
  for (let due = 0; due < times.length; parentPort.postMessage(due)) {
    const early = start + times[due] - now();
    if (early > 0) Atomics.wait(never, 0, 0, early);
    const elapsed = now() - start;
    // All that are due by now: each message wakes the other thread.
    do due++;
    while (due < times.length && times[due] <= elapsed);
  }
});
