import { OckhamError } from '../../errors.ts';
import type { Kernels } from '../kernels.ts';
import {
  ACTIVE,
  CONTROL_BYTES,
  COUNT,
  DONE,
  FAILED,
  FAILURES,
  MAX_THREADS,
  MAX_UNITS,
  ROUND,
  STATES,
  UNIT_NUMBERS,
  UNITS_AT,
  WORKSPACES,
} from './control.ts';
import { workerSource, type Start } from './worker-source.ts';

/** A worker thread of the host. */
export interface Worker {
  post(message: unknown): void;
  terminate(): void;
}

/** Starts a worker thread that runs `source`; `failed` is called when it cannot, or ends. */
export type Spawn = (
  source: string,
  heard: (message: unknown) => void,
  failed: (why: string) => void,
) => Worker;

/** The kernels that units are made of. */
export type UnitKernel = Extract<
  keyof Kernels,
  | 'gemm'
  | 'convolve'
  | 'filterGradient'
  | 'inputGradient'
  | 'maxPoolGradient'
  | 'columnSums'
  | 'finish'
  | 'reluGradient'
  | 'normalise'
  | 'rowOperation'
  | 'adamStep'
  | 'exponential'
  | 'errorFunction'
  | 'keepWithin'
  | 'maxPoolHalves'
  | 'quantizeRows'
  | 'gridRows'
  | 'quantizedProduct'
  | 'quantizedEnding'
  | 'blockAttention'
  | 'blockAttentionGradient'
>;

/** By number, as threads talk of them. */
const KERNELS: readonly UnitKernel[] = [
  'gemm',
  'convolve',
  'filterGradient',
  'inputGradient',
  'maxPoolGradient',
  'columnSums',
  'finish',
  'reluGradient',
  'normalise',
  'rowOperation',
  'adamStep',
  'keepWithin',
  'exponential',
  'errorFunction',
  'maxPoolHalves',
  'quantizeRows',
  'gridRows',
  'quantizedProduct',
  'quantizedEnding',
  'blockAttention',
  'blockAttentionGradient',
];

/** A call of a kernel that depends on no other of its round; `workspace` says that its last argument is left out: it is one. */
export interface Unit {
  readonly kernel: UnitKernel;
  readonly values: readonly number[];
  readonly workspace: boolean;
}

/** What a team needs of the memory that it works on. */
export interface TeamMemory {
  readonly kernels: Kernels;
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  allocate(bytes: number): number;
  free(address: number): void;
}

/** Milliseconds within which a worker has to start. */
const START_LIMIT = 10_000;
/** Looks of the caller at the units that are not done yet before it sleeps. */
const LOOKS = 4000;
/** Milliseconds of a sleep, and sleeps without any unit done until a worker counts as lost. */
const NAP = 100;
const NAPS = 1200;

/**
 * Threads that share the units of a round; the calling thread is one of them and takes what no other has taken, so that a
 * worker that is late, or gone, costs time and nothing else.
 */
export class Team {
  readonly #on: TeamMemory;
  readonly #workers = new Map<number, Worker>();
  readonly #workspaces = new Map<number, number>();
  #workspaceBytes = 0;
  #control: Control | undefined;
  #asked: number | undefined;
  #lost: string | undefined;
  #ended = false;

  constructor(on: TeamMemory) {
    this.#on = on;
  }

  /** Threads that share the work, the calling one included. */
  get threads(): number {
    return Math.min(this.#asked ?? 1, 1 + this.#workers.size);
  }

  /** Threads that the team was last asked to have. */
  get asked(): number | undefined {
    return this.#asked;
  }

  /** Why there are fewer threads than asked for. */
  get lost(): string | undefined {
    return this.threads < (this.#asked ?? 1) ? this.#lost : undefined;
  }

  /** Makes the team that large, up to 32, if its workers start; the surplus of a larger one sleeps. */
  async resize(threads: number, spawn: Spawn): Promise<void> {
    this.#asked = Math.min(threads, MAX_THREADS);
    if (this.#ended || this.#asked === 1) return;
    this.#control ??= makeControl();
    const places = Array.from({ length: this.#asked - 1 }, (_, i) => i + 1);
    const missing = places.filter((place) => !this.#workers.has(place));
    await Promise.all(missing.map((place) => this.#start(place, spawn)));
  }

  /** Runs units, in any order and on any thread, and returns when all are done. */
  run(units: readonly Unit[], workspace: number, workspaceBytes: number): void {
    const alone = this.threads === 1 || units.length === 1 || units.length > MAX_UNITS;
    if (alone || !this.#reserve(workspaceBytes)) {
      for (const unit of units) this.#call(unit, workspace);
      return;
    }
    const { words, numbers } = this.#control!;
    const round = (words[ROUND]! % 0x3fffffff) + 1;
    for (const [i, { kernel, workspace: takes, values }] of units.entries()) {
      numbers.set([KERNELS.indexOf(kernel), takes ? 1 : 0, values.length, ...values], UNIT_NUMBERS * i);
      words[STATES + i] = round;
    }
    words[COUNT] = units.length;
    words[DONE] = words[FAILURES] = 0;
    words[ACTIVE] = Math.min(this.#asked!, 1 + Math.max(...this.#workers.keys()));
    Atomics.store(words, ROUND, round);
    Atomics.notify(words, ROUND);
    let failure: { readonly error: unknown } | undefined;
    for (const [i, unit] of units.entries()) {
      if (Atomics.compareExchange(words, STATES + i, round, -round) !== round) continue;
      try {
        if (!failure) this.#call(unit, workspace);
      } catch (error) {
        failure = { error };
      }
      Atomics.add(words, DONE, 1);
    }
    this.#await(units.length);
    if (failure) throw failure.error;
    if (words[FAILURES] > 0) {
      for (const [i, unit] of units.entries()) if (words[STATES + i] === FAILED) this.#call(unit, workspace);
    }
  }

  /** Sends the workers home; from then on the calling thread does all. */
  end(why = 'the workers were sent home'): void {
    this.#ended = true;
    this.#lost = why;
    if (this.#control) {
      Atomics.store(this.#control.words, ROUND, -1);
      Atomics.notify(this.#control.words, ROUND);
    }
    for (const worker of this.#workers.values()) worker.terminate();
    this.#workers.clear();
  }

  #call({ kernel, values, workspace: takes }: Unit, workspace: number): void {
    const call = this.#on.kernels[kernel] as (...values: readonly number[]) => void;
    if (takes) call(...values, workspace);
    else call(...values);
  }

  #await(count: number): void {
    const { words, sleeps } = this.#control!;
    let [naps, seen] = [0, -1];
    let started = 0;
    for (let look = 0; ; look++) {
      const done = Atomics.load(words, DONE);
      if (done === count) return;
      if (look < LOOKS) continue;
      if (done !== seen) [naps, seen, started] = [0, done, performance.now()];
      if (sleeps) {
        if (Atomics.wait(words, DONE, done, NAP) === 'timed-out') naps += 1;
      } else if (performance.now() - started > NAP) {
        [naps, started] = [naps + 1, performance.now()];
      }
      if (naps > NAPS) {
        this.end('a worker thread did not finish its share');
        throw new OckhamError(
          'engine-unavailable',
          `backend: a worker thread must finish its share, but one did not in ${(NAP * NAPS) / 1000} s. ` +
            'Compute again: from now on one thread does all.',
        );
      }
    }
  }

  /** Workspaces of that size for all workers; false where memory does not suffice. */
  #reserve(bytes: number): boolean {
    if (bytes === 0) return true;
    if (bytes > this.#workspaceBytes) {
      for (const [place, address] of this.#workspaces) {
        this.#on.free(address);
        this.#workspaces.delete(place);
      }
      this.#workspaceBytes = bytes;
    }
    for (const place of this.#workers.keys()) {
      if (this.#workspaces.has(place)) continue;
      const address = this.#on.allocate(this.#workspaceBytes);
      if (address === 0) return false;
      this.#workspaces.set(place, address);
      this.#control!.words[WORKSPACES + place] = address;
    }
    return true;
  }

  #start(place: number, spawn: Spawn): Promise<void> {
    return new Promise((resolve) => {
      let worker: Worker | undefined;
      let gone = false;
      const failed = (why: string): void => {
        clearTimeout(limit);
        if (gone) return;
        if (!this.#ended) this.#lost = why;
        gone = true;
        this.#workers.delete(place);
        worker?.terminate();
        resolve();
      };
      const ready = (): void => {
        clearTimeout(limit);
        if (worker && !gone && !this.#ended) this.#workers.set(place, worker);
        resolve();
      };
      const limit = setTimeout(
        () => failed(`a worker did not start in ${START_LIMIT / 1000} s`),
        START_LIMIT,
      );
      try {
        worker = spawn(workerSource, ready, failed);
        const { module, memory } = this.#on;
        worker.post({
          module,
          memory,
          control: this.#control!.words.buffer,
          place,
          names: KERNELS,
        } satisfies Start);
      } catch (error) {
        failed(error instanceof Error ? error.message : String(error));
      }
    });
  }
}

/** What the threads talk through; see `control.ts`. */
interface Control {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly numbers: Float64Array<SharedArrayBuffer>;
  /** Whether the calling thread may sleep: the main thread of a page may not. */
  readonly sleeps: boolean;
}

function makeControl(): Control {
  const buffer = new SharedArrayBuffer(CONTROL_BYTES);
  const words = new Int32Array(buffer);
  const numbers = new Float64Array(buffer, UNITS_AT);
  try {
    Atomics.wait(words, ROUND, 1, 0);
    return { words, numbers, sleeps: true };
  } catch {
    return { words, numbers, sleeps: false };
  }
}
