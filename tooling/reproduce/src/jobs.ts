import { availableParallelism, totalmem } from 'node:os';

/** Bytes that one process may come to need: the native engine, the largest data set as float32 and a model's training. */
const MEMORY_OF_A_JOB = 4e9;

/** As many jobs as there are cores, and memory for. */
export function defaultJobs(
  cores: number = availableParallelism(),
  memory: number = Math.min(totalmem(), process.constrainedMemory() || Infinity),
): number {
  return Math.max(1, Math.min(cores, Math.floor(memory / MEMORY_OF_A_JOB)));
}
