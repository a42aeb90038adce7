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

interface Stored {
  readonly key: string;
  readonly seconds: number;
  readonly rows?: readonly Row[];
}

/**
 * What is kept of one seed while its experiment is not complete: `<seed>.json` with the seconds worked and, at the
 * end, the rows; beside it a folder of checkpoints and of parts that `once` has finished. All of it belongs to a key (configuration,
 * engine, data, sources): under another key the seed starts over.
 */
export class SeedState {
  readonly #file: string;
  readonly #folder: string;
  readonly #key: string;
  #secondsBefore = 0;
  #started = 0;

  constructor(folder: string, seed: number, key: string) {
    this.#file = join(folder, `${seed}.json`);
    this.#folder = join(folder, `${seed}`);
    this.#key = key;
  }

  /** The finished seed, if there is one under this key; otherwise gets the folder ready and starts the clock. */
  async open(): Promise<FinishedSeed | undefined> {
    const done = await this.finished();
    if (done) return done;
    const stored = await readJson<Stored>(this.#file);
    if (stored?.key === this.#key) this.#secondsBefore = stored.seconds;
    else await rm(this.#folder, { recursive: true, force: true });
    await mkdir(this.#folder, { recursive: true });
    this.#started = performance.now();
    await this.saveClock();
    return undefined;
  }

  /** The finished seed, if there is one under this key. */
  async finished(): Promise<FinishedSeed | undefined> {
    const stored = await readJson<Stored>(this.#file);
    if (stored?.key !== this.#key || !stored.rows) return undefined;
    return { rows: stored.rows, seconds: stored.seconds };
  }

  get seconds(): number {
    return this.#secondsBefore + (performance.now() - this.#started) / 1000;
  }

  /** Keeps the time worked so far, for a run that is stopped and continued. */
  async saveClock(): Promise<void> {
    await writeJson(this.#file, { key: this.#key, seconds: this.seconds } satisfies Stored);
  }

  async finish(rows: readonly Row[]): Promise<FinishedSeed> {
    const { seconds } = this;
    await writeJson(this.#file, { key: this.#key, seconds, rows } satisfies Stored);
    await rm(this.#folder, { recursive: true, force: true });
    return { rows, seconds };
  }

  checkpoint(name: string): SnapshotStore {
    const store = fileStore(join(this.#folder, `${fileName(name)}.snapshot`));
    return {
      read: () => store.read(),
      remove: () => store.remove(),
      write: async (snapshot) => {
        await store.write(snapshot);
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
  await writeFileAtomic(path, new TextEncoder().encode(JSON.stringify(value)));
}
