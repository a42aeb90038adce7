import { launch, launchProcesses, startProcesses } from '@ockham/core/comm/node';
import { describe, expect, it } from 'vitest';

const conformance = new URL('../fixtures/comm/conform.script.ts', import.meta.url);
const misbehave = new URL('../fixtures/comm/misbehave.script.ts', import.meta.url);

describe.skipIf(process.platform === 'win32')('ranks that are processes', () => {
  it('give the bits of threads', async () => {
    const data = { seed: 5, cases: 27 };
    expect(await launchProcesses(3, conformance, { data })).toEqual(await launch(3, conformance, { data }));
  });

  it('are told who was killed', async () => {
    const job = startProcesses(3, misbehave, { data: 'nothing' });
    setTimeout(() => job.ranks[1]!.terminate(), 2_500); // when all have started
    const settled = await job.settled;
    for (const rank of [0, 2]) {
      const outcome = settled[rank]!; // one too slow to tell what it was told is ended, and the reason told for it
      const told: unknown = outcome.status === 'fulfilled' ? outcome.value : outcome.reason;
      expect(told).toMatchObject({ code: 'rank-lost', rank: 1 });
    }
    await expect(job.results()).rejects.toMatchObject({ rank: 1, message: expect.stringMatching(/rank 1 ended \(SIGKILL\)/) }); // prettier-ignore
  });
});
