import { launch, launchMpi } from '@ockham/core/comm/node';
import type { CommError } from '@ockham/core/comm';
import { describe, expect, it } from 'vitest';
import { launchers } from '../fixtures/comm/launchers.ts';
import type { Fault } from '../fixtures/comm/misbehave.script.ts';

const conformance = new URL('../fixtures/comm/conform.script.ts', import.meta.url);
const misbehave = new URL('../fixtures/comm/misbehave.script.ts', import.meta.url);
describe.skipIf(launchers.length === 0).each(launchers.length > 0 ? launchers : ['mpirun'])(
  'under %s',
  (mpirun) => {
    it.each([2, 4])('every operation gives the bits of threads on %i ranks', async (n) => {
      const data = { seed: 20 + n, cases: 27 };
      const digests = await launchMpi<string>(n, conformance, { data, mpirun });
      expect(digests).toEqual(await launch<string>(n, conformance, { data }));
      expect(new Set(digests).size).toBe(1);
    });

    it.each<[Fault, CommError['code'], RegExp]>([
      ['throws', 'rank-lost', /rank 1 threw RangeError: out of luck/],
      ['exits', 'rank-lost', /rank 1 (died|ended) before its work was done/],
      ['leaves', 'rank-diverged', /rank 1 called close, the others allReduce\(float32 × 10, sum\)/],
      ['other length', 'rank-diverged', /rank 1 called allReduce\(float32 × 11, sum\), the others/],
    ])('a rank that goes wrong is named: %s', async (data, code, message) => {
      await expect(launchMpi(3, misbehave, { data: `${data}!`, mpirun })).rejects.toMatchObject({ code, rank: 1, message: expect.stringMatching(message) }); // prettier-ignore
    });
  },
);

it.skipIf(launchers.length === 0).each(launchers)(
  'what a script dies of before its work is told: %s',
  async (mpirun) => {
    const script = new URL('../fixtures/comm/launchers.ts', import.meta.url); // no script of a rank
    await expect(launchMpi(2, script, { mpirun })).rejects.toMatchObject({
      code: 'rank-lost',
      message: expect.stringContaining('the script must have a default export'),
    });
  },
);

it('a launcher that is not there is said to be', async () => {
  const error = await launchMpi(2, conformance, { mpirun: 'no-such-mpirun' }).then(() => undefined, (caught: unknown) => caught as CommError); // prettier-ignore
  expect(error).toMatchObject({ code: 'comm-unavailable' });
});
