import type { EngineName } from '@ockham/core/backend/node';
import type { ScaleName } from './experiment.ts';
import type { RunEvent, RunOutcome } from './run-experiment.ts';

/** What all work of one process has in common; its first message. */
export interface WorkerSettings {
  readonly engine: EngineName;
  /** Threads of an operation. Undefined: as many as the engine takes by itself. */
  readonly threads?: number;
  readonly scale: ScaleName;
  readonly fresh: boolean;
  readonly jobs: number;
  readonly workspace: string;
  readonly commit: string | null;
  readonly dirty: boolean;
}

/** One seed to run, or without `seed` the finished ones to join. */
export interface Work {
  readonly url: string;
  /** The package's folder, and that of its results. */
  readonly folder: string;
  readonly results: string;
  readonly sources: string;
  readonly seeds: readonly number[];
  readonly seed?: number;
}

/** To the process that works. */
export type Order =
  | { readonly kind: 'settings'; readonly settings: WorkerSettings }
  | { readonly kind: 'work'; readonly work: Work }
  | { readonly kind: 'stop' };

/** From the process that works: that it can begin, how far it is, and once for each work how it ended. */
export type Report =
  | { readonly kind: 'ready'; readonly description: string }
  | { readonly kind: 'progress'; readonly event: RunEvent | string }
  | {
      readonly kind: 'done';
      readonly outcome: RunOutcome | undefined;
      /** Bytes in memory after the work. */
      readonly memory: number;
    }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** An error that crosses processes: what a user reads, the message alone, and whether it only was stopped. */
export interface Failure {
  readonly description: string;
  readonly message: string;
  readonly aborted: boolean;
}
