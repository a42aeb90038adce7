import { mesh, simulate, type CommError } from '@ockham/core/comm';
import { describe, expect, it } from 'vitest';
import { conform } from '../fixtures/comm/conformance.ts';

const alpha = 1e-3;
const beta = 1e-6;

describe('ranks on a virtual clock', () => {
  it.each([1, 2, 3, 4])('every operation gives what its definition says on %i ranks', async (n) => {
    const { results } = await simulate(n, ({ comm }) => conform(comm, { seed: n, cases: 27 }));
    expect(new Set(results).size).toBe(1);
  });

  it('an allReduce takes 2(p − 1)α + 2(p − 1)/p · nβ after the last rank has come', async () => {
    const { ends, seconds } = await simulate(
      4,
      async ({ comm, compute }) => {
        await compute(comm.rank / 10);
        await comm.allReduce(new Float32Array(1000));
      },
      { alpha, beta },
    );
    expect(seconds).toBeCloseTo(0.3 + 6 * alpha + 6000 * beta, 12);
    expect(new Set(ends).size).toBe(1);
  });

  it('a reduction that is not awaited hides behind computing, up to its length', async () => {
    const run = (overlap: boolean, busy: number) =>
      simulate(
        2,
        async ({ comm, compute }) => {
          const reduced = comm.allReduce(new Float32Array(1000));
          if (!overlap) await reduced;
          await compute(busy);
          await reduced;
        },
        { alpha, beta },
      ).then(({ seconds }) => seconds);
    const cost = 2 * alpha + 4000 * beta;
    expect(await run(false, 0.5)).toBeCloseTo(0.5 + cost, 12);
    expect(await run(true, 0.5)).toBeCloseTo(0.5, 12);
    expect(await run(true, cost / 2)).toBeCloseTo(cost, 12);
  });

  it('at least 70 % of an 8 MB reduction over 1 Gbit hides behind as much computing', async () => {
    const time = async (busy: number, reduces: boolean): Promise<number> => {
      const { seconds } = await simulate(2, async ({ comm, compute }) => {
        const reduced = reduces ? comm.allReduce(new Float32Array(2 ** 21)) : undefined;
        for (let part = 0; part < 8; part++) await compute(busy / 8);
        await reduced;
      });
      return seconds;
    };
    const alone = await time(0, true);
    const hidden = (alone + (await time(alone, false)) - (await time(alone, true))) / alone;
    expect(hidden).toBeGreaterThanOrEqual(0.7);
  });

  it('a mesh has a group for each axis', async () => {
    const { results } = await simulate(8, async ({ comm }) => {
      const { data, tensor, pipeline, coordinates } = await mesh(comm, { pipeline: 2, data: 2, tensor: 2 });
      const ranks = async (group: typeof data): Promise<number[]> => [
        ...(await group.allGather(Int32Array.of(comm.rank), new Int32Array(2))),
      ];
      return [await ranks(pipeline), await ranks(data), await ranks(tensor), coordinates];
    });
    expect(results[5]).toEqual([[1, 5], [5, 7], [4, 5], { pipeline: 1, data: 0, tensor: 1 }]); // prettier-ignore
    await expect(simulate(4, ({ comm }) => mesh(comm, { data: 3 }))).rejects.toThrow(/product of the axes must be the number of ranks, 4, got data 3/); // prettier-ignore
  });

  it('ranks that wait for one another are named instead of waiting for ever', async () => {
    const error = await simulate(3, ({ comm }) => (comm.rank === 2 ? undefined : comm.barrier())).catch((e: unknown) => e as CommError); // prettier-ignore
    expect(error).toMatchObject({ code: 'rank-silent', rank: 2 });
    const diverged = await simulate(3, ({ comm }) => comm.allReduce(new Float32Array(comm.rank === 1 ? 2 : 1))).catch((e: unknown) => e as CommError); // prettier-ignore
    expect(diverged).toMatchObject({ code: 'rank-diverged', rank: 1 });
  });

  it('the ledger counts what a bandwidth-optimal algorithm moves', async () => {
    const { results } = await simulate(4, async ({ comm }) => {
      await comm.allReduce(new Float64Array(10));
      await comm.gather(new Uint8Array(5), comm.rank === 0 ? new Uint8Array(20) : undefined);
      await comm.broadcast(new Int32Array(3), { root: 1 });
      return comm.ledger.toJSON();
    });
    // shares of 2, 3, 2 and 3 of 10 numbers
    expect(results.map((ledger) => ledger.allReduce)).toEqual(
      [2, 3, 2, 3].map((share) => ({ calls: 1, sent: 8 * (10 - share + 3 * share), received: 8 * (3 * share + 10 - share) })), // prettier-ignore
    );
    expect(results.map((ledger) => ledger.gather)).toEqual([
      { calls: 1, sent: 0, received: 15 },
      ...Array.from({ length: 3 }, () => ({ calls: 1, sent: 5, received: 0 })),
    ]);
    expect(results[1]!.broadcast).toEqual({ calls: 1, sent: 36, received: 0 });
    expect(results[2]!.broadcast).toEqual({ calls: 1, sent: 0, received: 12 });
  });
});
