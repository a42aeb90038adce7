import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { throwIfAborted } from '@ockham/core';
import { lock } from 'proper-lockfile';

/** A lock that was not renewed for so long belongs to a process that was killed. */
const STALE = 120_000; // ms; a step of training may hold up the renewal

/**
 * Does work while no other process does work under the same path: for what several seeds need and one of them makes,
 * in the cache. Look whether it is there once the lock is held.
 *
 * @throws AbortedError when the signal fires while another process holds the lock.
 */
export async function whileLocked<T>(path: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  let release: () => Promise<void>;
  for (;;) {
    throwIfAborted(signal, 'reproduce');
    try {
      release = await lock(path, { realpath: false, stale: STALE, update: STALE / 10 });
      break;
    } catch (error) {
      if ((error as { code?: string }).code !== 'ELOCKED') throw error;
      await wait(500);
    }
  }
  try {
    return await work();
  } finally {
    await release();
  }
}
