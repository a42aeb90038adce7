import { AbortedError, ArgumentError } from '../errors.ts';
import { CommError } from './comm-error.ts';
import type { RankReport, RankStart } from './run-rank.ts';
import { poison, readPoison } from './shared/job.ts';
import { heapOf, MAX_RANKS } from './shared/layout.ts';

/** Options of `launch`. */
export interface LaunchOptions {
  /** Given to every rank's function, cloned. */
  readonly data?: unknown;
  /** Bytes of shared memory for all ranks; pages that are not touched cost nothing. Default 1 GiB, at most 4 GiB − 64 KiB. */
  readonly memory?: number;
  /**
   * Milliseconds that ranks wait for one that is alive and does not come, before it counts as hung. Default 30,000. A rank that died or
   * threw is noticed at once, whatever this is.
   */
  readonly deadline?: number;
  /** Ends all ranks. */
  readonly signal?: AbortSignal;
}

/** One rank as seen by who launched it. */
export interface RankHandle {
  /** Ends it from outside, at once; the others are told. */
  terminate(): void;
}

/** Ranks that were launched. */
export interface Job<R> {
  /** One handle for each rank, in the order of their numbers. */
  readonly ranks: readonly RankHandle[];
  /** How each rank ended, once all have and nothing of them is left. */
  readonly settled: Promise<PromiseSettledResult<R>[]>;
  /** What the ranks returned; rejects with the {@link CommError} that names who failed first, its `cause` what that rank threw. */
  results(): Promise<R[]>;
}

/** What a way to start ranks tells of one. */
export interface RankEvents {
  heard(report: RankReport): void;
  /** It threw where nothing caught it. */
  threw(error: unknown): void;
  /** It is gone. */
  ended(how: string): void;
}

/** Starts a rank. */
export type SpawnRank = (start: RankStart, events: RankEvents) => RankHandle;

/** Where a way to start ranks has their memory. */
export interface JobMemory {
  readonly transport: RankStart['transport'];
  readonly memory: RankStart['memory'];
  readonly cores: number;
  /** Frees what is left once all ranks are gone. */
  release?(): void;
}

/** Milliseconds that ranks have to end by themselves once one failed. */
const GRACE = 1500;

/** Refuses numbers that cannot be; gives the bytes of memory. */
export function checkLaunch(n: number, { memory = 2 ** 30, deadline = 30_000 }: LaunchOptions): number {
  if (!(Number.isInteger(n) && n >= 1 && n <= MAX_RANKS))
    throw new ArgumentError(`launch: n must be an integer in [1, ${MAX_RANKS}], got ${n}.`);
  if (!(deadline > 0)) throw new ArgumentError(`launch: deadline must be > 0 ms, got ${deadline}.`);
  const most = 2 ** 32 - 65_536;
  const [begin, end] = heapOf(0, n, memory);
  if (!(Number.isInteger(memory) && memory <= most && end - begin >= 65_536))
    throw new ArgumentError(
      `launch: memory must be an integer in [${begin + n * 65_536}, ${most}] bytes for ${n} ranks, got ${memory}.`,
    );
  return 65_536 * Math.floor(memory / 65_536);
}

/** The memory of ranks that are threads. */
export function threadMemory(bytes: number, cores: number): JobMemory {
  const pages = bytes / 65_536;
  try {
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    if (memory.buffer instanceof SharedArrayBuffer) return { transport: 'threads', memory, cores };
  } catch (cause) {
    throw new CommError(
      'comm-unavailable',
      `launch: ${bytes} bytes of shared memory must be had, but are not. Lower the option \`memory\`; a page must be cross-origin isolated.`,
      { cause },
    );
  }
  throw new CommError(
    'comm-unavailable',
    'launch: threads need shared memory. A page must be cross-origin isolated.',
  );
}

/** Starts n ranks and watches them. */
export function startJob<R>(n: number, on: JobMemory, spawn: SpawnRank, options: LaunchOptions): Job<R> {
  const { data, deadline = 30_000, signal } = options;
  const buffer = on.memory instanceof WebAssembly.Memory ? on.memory.buffer : on.memory;
  const outcomes: (PromiseSettledResult<R> | undefined)[] = Array.from({ length: n }, () => undefined);
  const ranks: RankHandle[] = [];
  const calls: number[] = Array.from({ length: n }, () => 0);
  const thrown = new Map<number, unknown>();
  const gone = new Set<number>();
  let grace: ReturnType<typeof setTimeout> | undefined;
  let finish: (outcomes: PromiseSettledResult<R>[]) => void;
  const settled = new Promise<PromiseSettledResult<R>[]>((resolve) => (finish = resolve));

  const endAll = (): void => {
    for (const rank of ranks) rank.terminate();
  };
  const abort = (): void => {
    poison(buffer, 'rank-lost', 0, 'comm: the job was stopped by its AbortSignal.');
    endAll();
  };
  const settle = (rank: number, outcome: PromiseSettledResult<R>): void => {
    outcomes[rank] ??= outcome;
    if (outcome.status === 'rejected' || readPoison(buffer)) grace ??= setTimeout(endAll, GRACE);
    if (outcomes.every((known) => known !== undefined)) endAll();
  };
  const lose = (rank: number, message: string): void => {
    if (outcomes[rank]) return;
    poison(buffer, 'rank-lost', rank, message);
    // a rank that was ended because of another names that one
    settle(rank, { status: 'rejected', reason: readPoison(buffer) });
  };
  const leave = (rank: number): void => {
    gone.add(rank);
    if (gone.size < n) return;
    clearTimeout(grace);
    signal?.removeEventListener('abort', abort);
    on.release?.();
    finish(outcomes as PromiseSettledResult<R>[]);
  };

  for (let rank = 0; rank < n; rank++) {
    const { transport, memory, cores } = on;
    ranks.push(
      spawn(
        { transport, memory, rank, size: n, deadline, ownCore: n <= cores, data },
        {
          heard(report) {
            if (report.kind === 'done') {
              calls[rank] = report.calls;
              settle(rank, { status: 'fulfilled', value: report.result as R });
            } else if (report.kind === 'failed') {
              thrown.set(rank, report.error);
              settle(rank, { status: 'rejected', reason: report.error });
            }
          },
          threw(error) {
            thrown.set(rank, error);
            const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
            lose(rank, `comm: every rank must live until all are done, but rank ${rank} threw ${what}`);
          },
          ended(how) {
            lose(rank, `comm: every rank must live until all are done, but rank ${rank} ${how}.`);
            leave(rank);
          },
        },
      ),
    );
  }
  if (signal?.aborted) abort();
  else signal?.addEventListener('abort', abort, { once: true });

  return {
    ranks,
    settled,
    async results() {
      const ended = await settled;
      const failure = ended.find((outcome) => outcome.status === 'rejected');
      if (signal?.aborted && failure)
        throw new AbortedError('launch: stopped by the AbortSignal. Launch again to start over.', {
          cause: signal.reason,
        });
      const first = readPoison(buffer);
      if (first) throw withCause(first, thrown.get(first.rank!));
      if (failure) throw failure.reason;
      if (n > 1 && calls.every((count) => count === 0))
        throw new ArgumentError(
          'launch: ranks must call a collective operation, but none did. Give the script a default export (comm) => …, or let it call runRank.',
        );
      return ended.map((outcome) => (outcome as PromiseFulfilledResult<R>).value);
    },
  };
}

function withCause(error: CommError, cause: unknown): CommError {
  return cause === undefined ? error : new CommError(error.code, error.message, { rank: error.rank!, cause });
}
