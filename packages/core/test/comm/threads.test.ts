import { launch, startRanks } from '@ockham/core/comm/node';
import { self, type CommError } from '@ockham/core/comm';
import { describe, expect, it } from 'vitest';
import { conform } from '../fixtures/comm/conformance.ts';
import type { Fault } from '../fixtures/comm/misbehave.script.ts';

const conformance = new URL('../fixtures/comm/conform.script.ts', import.meta.url);
const misbehave = new URL('../fixtures/comm/misbehave.script.ts', import.meta.url);

describe('every operation gives what its definition says', () => {
  it('on one rank', async () => {
    expect(await conform(self(), { seed: 1, cases: 36 })).toMatch(/^[0-9a-f]+$/);
  });

  it.each([1, 2, 3, 4])('on %i threads, and the same bits on all', async (n) => {
    const digests = await launch<string>(n, conformance, { data: { seed: n, cases: 36 }, memory: 2 ** 28 });
    expect(digests).toHaveLength(n);
    expect(new Set(digests).size).toBe(1);
    if (n === 1) expect(digests[0]).toBe(await conform(self(), { seed: 1, cases: 36 }));
  });
});

interface Told extends Pick<CommError, 'name' | 'code' | 'rank' | 'message'> {
  readonly again: string;
}

async function told(fault: Fault, deadline = 30_000): Promise<{ others: Told[]; error: CommError }> {
  const job = startRanks<Told>(3, misbehave, { data: fault, deadline });
  const settled = await job.settled;
  const others = [0, 2].map((rank) => (settled[rank] as PromiseFulfilledResult<Told>).value);
  return { others, error: await job.results().then(() => { throw new Error('no rank failed'); }, (error: unknown) => error as CommError) }; // prettier-ignore
}

it('messages that are asked for at once arrive in the order of the asking', async () => {
  const expected = Array.from({ length: 8 }, (_, i) => i * (i + 1));
  expect(await launch<number[]>(2, new URL('../fixtures/comm/backlog.script.ts', import.meta.url))).toEqual([
    expected,
    expected,
  ]);
});

describe('a rank that goes wrong is named to all others, which do not hang', () => {
  it.each<[Fault, string, RegExp]>([
    ['throws', 'rank-lost', /rank 1 threw RangeError: out of luck/],
    ['rejects', 'rank-lost', /rank 1 threw Error: nobody listens/],
    ['exits', 'rank-lost', /rank 1 ended \(exit code 0\) before/],
    [
      'leaves',
      'rank-diverged',
      /rank 1 ended after 1 collective calls, but the others went on with allReduce/,
    ],
    ['forgets', 'rank-lost', /rank 1 ended \(exit code \d+\) before its work was done/],
    [
      'other call',
      'rank-diverged',
      /at call 2 rank 1 called broadcast\(float32 × 10, root 0\), the others allReduce\(float32 × 10, sum\)/,
    ],
    [
      'other length',
      'rank-diverged',
      /rank 1 called allReduce\(float32 × 11, sum\), the others allReduce\(float32 × 10, sum\)/,
    ],
    ['other type', 'rank-diverged', /rank 1 called allReduce\(float64 × 10, sum\)/],
    ['message', 'rank-diverged', /rank 1 sent float32 × 3 and rank 0 expects float32 × 4/],
  ])('%s: %s', async (fault, code, message) => {
    const { others, error } = await told(fault);
    for (const other of others)
      expect(other).toMatchObject({ name: 'CommError', code, rank: 1, again: code });
    for (const other of others) expect(other.message).toMatch(message);
    expect(error).toMatchObject({ name: 'CommError', code, rank: 1 });
    expect(error.message).toMatch(message);
  });

  it('an endless loop ends with the deadline', async () => {
    const { others } = await told('spins', 8000);
    for (const other of others)
      expect(other).toMatchObject({ code: 'rank-silent', rank: 1, message: expect.stringMatching(/deadline of 8 s, but rank 1 did not/) }); // prettier-ignore
  });
});
