import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { launch, launchMpi } from '@ockham/core/comm/node';
import type { CommError } from '@ockham/core/comm';
import { Random } from '@ockham/core/random';
import { describe, expect, it } from 'vitest';
import type { Fault } from '../fixtures/comm/misbehave.script.ts';

const conformance = new URL('../fixtures/comm/conform.script.ts', import.meta.url);
const misbehave = new URL('../fixtures/comm/misbehave.script.ts', import.meta.url);
const hasMpi = spawnSync('mpirun', ['--version']).status === 0;

/** A process that ended, and that nobody asked for its exit code, is not running. */
function isRunning(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

describe.skipIf(!hasMpi)('under mpirun', () => {
  it.each([2, 4])('every operation gives the bits of threads on %i ranks', async (n) => {
    const data = { seed: 20 + n, cases: 27 };
    const digests = await launchMpi<string>(n, conformance, { data });
    expect(digests).toEqual(await launch<string>(n, conformance, { data }));
    expect(new Set(digests).size).toBe(1);
  });

  it.each<[Fault, CommError['code'], RegExp]>([
    ['throws', 'rank-lost', /rank 1 threw RangeError: out of luck/],
    ['exits', 'rank-lost', /rank 1 (died|ended) before its work was done/],
    ['leaves', 'rank-diverged', /rank 1 called close, the others allReduce\(float32 × 10, sum\)/],
    ['other length', 'rank-diverged', /rank 1 called allReduce\(float32 × 11, sum\), the others/],
  ])('a rank that goes wrong is named: %s', async (data, code, message) => {
    await expect(launchMpi(3, misbehave, { data: `${data}!` })).rejects.toMatchObject({ code, rank: 1, message: expect.stringMatching(message) }); // prettier-ignore
  });

  it('a rank that is killed is named, and none is left', async () => {
    const random = new Random(3);
    const pids: number[] = [];
    const victim = random.integer(3);
    const running = launchMpi(3, misbehave, {
      data: 'nothing',
      onStart(rank, pid) {
        pids[rank] = pid;
        if (Object.keys(pids).length === 3)
          setTimeout(() => process.kill(pids[victim]!, 'SIGKILL'), random.integer(200));
      },
    });
    await expect(running).rejects.toMatchObject({ name: 'CommError', code: 'rank-lost', rank: victim });
    expect(pids.filter(isRunning)).toEqual([]);
  });
});

it('a launcher that is not there is said to be', async () => {
  const error = await launchMpi(2, conformance, { mpirun: 'no-such-mpirun' }).then(() => undefined, (caught: CommError) => caught); // prettier-ignore
  expect(error).toMatchObject({ code: 'comm-unavailable' });
});
