import { Worker } from 'node:worker_threads';
import type { Spawn } from '../kernels/threads/team.ts';

/** Starts a worker thread of Node that does not keep the process alive. */
export const spawnThread: Spawn = (source, heard, failed) => {
  // the flags of this process are not the worker's business, and some are refused there
  const worker = new Worker(source, { eval: true, execArgv: [], name: 'ockham' });
  worker.on('message', heard);
  worker.on('error', (error) => failed(error instanceof Error ? error.message : String(error)));
  worker.on('exit', () => failed('a worker thread has ended'));
  worker.unref(); // after the listeners, which would hold the process again
  return { post: (message) => worker.postMessage(message), terminate: () => void worker.terminate() };
};
