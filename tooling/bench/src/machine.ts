import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';

/** What a reader needs to judge a time. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly node: string;
  readonly platform: string;
  /** Runnable processes over the last minute, when the run began; above `cores` the times are not to be trusted. */
  readonly load: number;
}

export function machine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    load: Number(loadavg()[0]!.toFixed(2)),
  };
}
