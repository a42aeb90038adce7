import '@tensorflow/tfjs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Random } from '@ockham/core/random';
import { decodeReplay } from '@ockham/cssl';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { EVERY, learnerAndStream } from './fixtures/killed-stream.ts';

const script = fileURLToPath(new URL('fixtures/killed-stream.script.ts', import.meta.url));

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ockham-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** What the child said on standard error, and the signal that ended it. */
async function runUntilKilled(...words: readonly (string | number)[]): Promise<string> {
  const child = spawn(process.execPath, ['--conditions=@ockham/source', script, ...words.map(String)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return signal ?? `exit ${code}: ${said}`;
}

it('a stream that is killed, in a step and in a save, ends with the weights and the buffer of one that was not', async () => {
  const random = new Random(8);
  const checkpoint = join(folder, 'killed.ockham');
  const inAStep = EVERY + 1 + random.integer(50);
  const inASave = EVERY * (12 + random.integer(10));
  expect(await runUntilKilled(checkpoint, inAStep, 0)).toBe('SIGKILL');
  expect(await runUntilKilled(checkpoint, inASave, random.uniform(0.5, 4))).toBe('SIGKILL');

  const { learner, stream } = learnerAndStream();
  await learner.load(checkpoint);
  const { examples } = learner.counters;
  expect(examples).toBeGreaterThanOrEqual(inASave - EVERY);
  expect(examples % EVERY === 0 || examples === stream.size).toBe(true);
  await learner.fit(stream.from(examples), { checkpoint, snapshotEvery: EVERY });

  const whole = learnerAndStream();
  await whole.learner.fit(whole.stream);
  await whole.learner.save(join(folder, 'whole.ockham'));
  const [resumed, uninterrupted] = await Promise.all([partsOf('killed.ockham'), partsOf('whole.ockham')]);
  expect(resumed).toEqual(uninterrupted);
}, 180_000); // three processes, on a machine that may be busy

/** All that a saved learner holds, but for the names that the engine gave to variables of the optimizer. */
async function partsOf(name: string) {
  const { meta, arrays, records } = decodeReplay(await readFile(join(folder, name)));
  const { update: _names, ...rest } = meta;
  return { ...rest, arrays: Object.values(arrays), records };
}
