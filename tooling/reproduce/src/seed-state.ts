import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ArgumentError } from '@ockham/core';
import { fileStore, writeFileAtomic } from '@ockham/core/files/node';
import type { SnapshotStore } from '@ockham/core/training';
import { checkFinite } from './check-rows.ts';
import type { Row } from './experiment.ts';

/** A seed that is complete. */
export interface FinishedSeed {
  readonly rows: readonly Row[];
  readonly seconds: number;
}

interface Clock {
  readonly key: string;
  readonly seconds: number;
}

/**
 * What is kept of one seed while its experiment is not complete: at the end its rows, in `<seed>.json`; before, in a folder, the seconds
 * worked, checkpoints, and parts that `once` has finished. All of it belongs to a key (configuration, engine, data, sources): under
 * another key the seed starts over. Rows have a file of their own, since another run of the same seed may still write its clock.
 */
export class SeedState {
  readonly #rows: string;
  readonly #clock: string;
  readonly #folder: string;
  readonly #key: string;
  #secondsBefore = 0;
  #started = 0;

  constructor(folder: string, seed: number, key: string) {
    this.#rows = join(folder, `${seed}.json`);
    this.#folder = join(folder, `${seed}`);
    this.#clock = join(this.#folder, 'clock.json');
    this.#key = key;
  }

  /** The finished seed, if there is one under this key; otherwise gets the folder ready and starts the clock. */
  async open(): Promise<FinishedSeed | undefined> {
    const done = await this.finished();
    if (done) return done;
    const clock = await readJson<Clock>(this.#clock);
    if (clock?.key === this.#key) this.#secondsBefore = clock.seconds;
    else await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
    await mkdir(this.#folder, { recursive: true });
    this.#started = performance.now();
    await this.saveClock();
    return undefined;
  }

  /** The finished seed, if there is one under this key. */
  async finished(): Promise<FinishedSeed | undefined> {
    const done = await readJson<Clock & FinishedSeed>(this.#rows);
    return done?.key === this.#key ? { rows: done.rows, seconds: done.seconds } : undefined;
  }

  get seconds(): number {
    return this.#secondsBefore + (performance.now() - this.#started) / 1000;
  }

  /** Keeps the time worked so far, for a run that is stopped and continued. */
  async saveClock(): Promise<void> {
    await writeJson(this.#clock, { key: this.#key, seconds: this.seconds } satisfies Clock);
  }

  async finish(rows: readonly Row[]): Promise<FinishedSeed> {
    const { seconds } = this;
    await writeJson(this.#rows, { key: this.#key, seconds, rows } satisfies Clock & FinishedSeed);
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
    return { rows, seconds };
  }

  checkpoint(name: string): SnapshotStore {
    const store = fileStore(join(this.#folder, `${fileName(name)}.snapshot`));
    return {
      read: () => store.read(),
      remove: () => store.remove(),
      write: async (snapshot) => {
        await insist(() => store.write(snapshot));
        await this.saveClock();
      },
    };
  }

  async once<T>(name: string, work: () => T | Promise<T>): Promise<T> {
    const path = join(this.#folder, `${fileName(name)}.part.json`);
    const kept = await readJson<{ value: T }>(path);
    if (kept) return kept.value;
    const value = await work();
    checkFinite(`reproduce: once(${name})`, value);
    await writeJson(path, { value });
    await this.saveClock();
    // as JSON gives it back: from the file, or without it where another run has just ended the experiment
    return ((await readJson<{ value: T }>(path)) ?? (JSON.parse(JSON.stringify({ value })) as { value: T }))
      .value;
  }
}

function fileName(name: string): string {
  if (!/^[\w.-]+$/.test(name) || name.startsWith('.')) {
    throw new ArgumentError(
      `reproduce: the name of a checkpoint or part must be letters, digits, dots, hyphens and underscores, got ${JSON.stringify(name)}.`,
    );
  }
  return name;
}

/** Undefined when the file is absent or was cut off: what it held is then computed again. */
async function readJson<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch {
    return undefined;
  }
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await insist(() => writeFileAtomic(path, new TextEncoder().encode(JSON.stringify(value))));
}

/** Writes again where another run, which ended first, took the folder away meanwhile. */
async function insist(write: () => Promise<void>): Promise<void> {
  for (let left = 4; ; left--) {
    try {
      await write();
      return;
    } catch (error) {
      const { code } = ((error as Error).cause ?? {}) as { readonly code?: string };
      if (code !== 'ENOENT' || left === 0) throw error;
    }
  }
}
