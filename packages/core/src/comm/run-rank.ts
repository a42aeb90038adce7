import type { Communicator } from './communicator.ts';
import { CommError } from './comm-error.ts';
import { communicatorOf } from './front.ts';
import { self as alone } from './self.ts';
import { SharedJob, type JobStart } from './shared/job.ts';
import { CALLS, ENDED, STATES } from './shared/layout.ts';
import { SharedCarrier } from './shared/shared-carrier.ts';

/** What every rank does. What it returns goes back to `launch`, so that it has to be cloneable. */
export type RankFunction<R = unknown, D = unknown> = (comm: Communicator, data: D) => R | Promise<R>;

/** What a rank is sent when it starts. */
export interface RankStart extends JobStart {
  readonly transport: 'threads' | 'processes';
  readonly memory: WebAssembly.Memory | ArrayBuffer;
  readonly data: unknown;
}

/** What a rank reports. */
export type RankReport =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly result: unknown; readonly calls: number }
  | { readonly kind: 'failed'; readonly error: unknown };

/** How a rank and who launched it talk. */
export interface RankHost {
  start(): RankStart | Promise<RankStart>;
  post(report: RankReport): void;
  /** Set once {@link runRank} was called. */
  used?: boolean;
}

/** Where the entry of a worker leaves its {@link RankHost}. */
export const HOST: unique symbol = Symbol.for('@ockham/core/comm') as never;

/**
 * Runs the work of this rank: in a thread or process that `launch` started with the ranks that it started, elsewhere alone
 * ({@link self}). The one of `@ockham/core/comm/node` knows `mpirun` as well, so that the same script runs everywhere.
 *
 * @returns What `work` returns.
 * @throws What `work` throws, after the other ranks were told.
 *
 * @example
 * // train.ts: `launch(4, new URL('./train.ts', import.meta.url))`, or `mpirun -n 4 node train.ts`
 * await runRank(async (comm) => {
 *   const gradient = await comm.alloc('float32', 1000);
 *   await comm.allReduce(gradient, 'mean');
 * });
 */
export async function runRank<R, D = unknown>(work: RankFunction<R, D>): Promise<R> {
  const host = (globalThis as { [HOST]?: RankHost })[HOST] ?? pageHost();
  if (!host) return work(alone(), undefined as D);
  host.used = true;
  const start = await host.start();
  const job = new SharedJob(start.transport, start.memory, start);
  try {
    const result = await work(communicatorOf(SharedCarrier.world(job)), start.data as D);
    Atomics.store(job.words, STATES + job.rank, ENDED);
    host.post({ kind: 'done', result, calls: Atomics.load(job.words, CALLS + job.rank) });
    return result;
  } catch (error) {
    if (!(error instanceof CommError)) job.fail('rank-lost', job.rank, threw(job.rank, error));
    host.post({ kind: 'failed', error: cloneable(error) });
    throw error;
  }
}

/** What the others are told. */
export function threw(rank: number, error: unknown): string {
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return `comm: every rank must live until all are done, but rank ${rank} threw ${what}`;
}

function cloneable(error: unknown): unknown {
  try {
    return structuredClone(error);
  } catch {
    return new Error(String(error));
  }
}

/** In a worker of a page: the start comes as a message, once the worker says that it is ready. */
function pageHost(): RankHost | undefined {
  const scope = globalThis as unknown as {
    DedicatedWorkerGlobalScope?: unknown;
    postMessage(message: unknown): void;
    addEventListener(type: 'message', heard: (event: MessageEvent<{ [START]?: RankStart }>) => void): void;
  };
  if (scope.DedicatedWorkerGlobalScope === undefined) return undefined;
  const post = (report: RankReport): void => scope.postMessage({ [REPORT]: report });
  const started = new Promise<RankStart>((resolve) => {
    scope.addEventListener('message', ({ data }) => {
      if (data?.[START]) resolve(data[START]);
    });
  });
  const host = { start: () => (post({ kind: 'ready' }), started), post };
  (globalThis as { [HOST]?: RankHost })[HOST] = host;
  return host;
}

/** Keys of the messages between a page and its ranks, among which others may be. */
export const START = '@ockham/core/comm:start';
export const REPORT = '@ockham/core/comm:report';
