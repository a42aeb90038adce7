import { availableParallelism, cpus, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a reader needs to judge a time. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly node: string;
  readonly platform: string;
  /** Cores that others kept busy before the run, the least of three half seconds, since a peer may still be ending; with more than a fifth of one the times are not to be trusted. */
  readonly load: number;
}

const SAMPLE = 500;

export async function machine(): Promise<Machine> {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    load: Number(Math.min(await coresInUse(), await coresInUse(), await coresInUse()).toFixed(2)),
  };
}

async function coresInUse(): Promise<number> {
  const before = workedSoFar();
  const start = performance.now();
  await sleep(SAMPLE);
  return (workedSoFar() - before) / (performance.now() - start);
}

/** Milliseconds that all cores worked. */
function workedSoFar(): number {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
}
