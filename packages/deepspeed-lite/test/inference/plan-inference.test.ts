import * as tf from '@tensorflow/tfjs';
import { ArgumentError } from '@ockham/core';
import { simulate } from '@ockham/core/comm';
import { bert } from '@ockham/core/models';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { latencyOf, measureInference, planInference, throughputOf, type InferenceCosts, type InferenceMesh, type Link } from '../../src/inference/index.ts'; // prettier-ignore
import { disposeModel } from '../../src/tensor/split-model.ts';

const seconds = fc.double({ min: 1e-4, max: 0.1, noNaN: true });

/** Costs of up to 6 layers on 1, 2 and 4 tensor ranks. */
const anyCosts: fc.Arbitrary<InferenceCosts> = fc.integer({ min: 1, max: 6 }).chain((layers) =>
  fc.record({
    seconds: fc
      .tuple(...[1, 2, 4].map(() => fc.array(seconds, { minLength: layers, maxLength: layers })))
      .map(([a, b, c]) => new Map([[1, a!], [2, b!], [4, c!]])), // prettier-ignore
    sums: fc.array(fc.array(fc.integer({ min: 4, max: 1e6 }), { minLength: 2, maxLength: 2 }), { minLength: layers, maxLength: layers }), // prettier-ignore
    rowBytes: fc.integer({ min: 4, max: 1e6 }),
    outputBytes: fc.integer({ min: 4, max: 1e4 }),
  }),
);
const anyLink: fc.Arbitrary<Link> = fc.record({
  alpha: fc.double({ min: 0, max: 1e-3, noNaN: true }),
  beta: fc.double({ min: 0, max: 1e-8, noNaN: true }),
});

/** Every way to cut `layers` into stages, on every number of tensor ranks. */
function* everyMesh(costs: InferenceCosts, ranks: number): Generator<InferenceMesh> {
  const layers = costs.sums.length;
  for (const tensor of costs.seconds.keys())
    for (let mask = 0; mask < 2 ** (layers - 1); mask++) {
      const inner = Array.from({ length: layers - 1 }, (_, i) => i + 1).filter((i) => mask & (1 << (i - 1)));
      const pipeline = inner.length + 1;
      if (tensor * pipeline <= ranks) yield { tensor, pipeline, cuts: [0, ...inner, layers] };
    }
}

describe('the planner', () => {
  it('chooses what an exhaustive search over every mesh and every cut finds', () => {
    fc.assert(
      fc.property(
        anyCosts,
        anyLink,
        fc.integer({ min: 1, max: 8 }),
        fc.double({ min: 1e-3, max: 0.3, noNaN: true }),
        (costs, link, ranks, target) => {
          const all = [...everyMesh(costs, ranks)].map((mesh) => ({
            mesh,
            latency: latencyOf(costs, link, mesh),
            throughput: throughputOf(costs, link, mesh),
          }));
          const meeting = all.filter(({ latency }) => latency <= target);
          for (const order of ['survey', 'throughput'] as const) {
            const plan = planInference(costs, link, { ranks, latency: target, order });
            expect(plan.meets).toBe(meeting.length > 0);
            expect(plan.latency).toBe(latencyOf(costs, link, plan));
            expect(plan.throughput).toBe(throughputOf(costs, link, plan));
            if (!plan.meets) {
              expect(plan.latency).toBe(Math.min(...all.map(({ latency }) => latency)));
              continue;
            }
            const fewest = Math.min(...meeting.map(({ mesh }) => mesh.tensor));
            const allowed =
              order === 'survey' ? meeting.filter(({ mesh }) => mesh.tensor === fewest) : meeting;
            if (order === 'survey') expect(plan.tensor).toBe(fewest);
            const best = Math.max(...allowed.map(({ throughput }) => throughput));
            expect(plan.throughput).toBe(best);
            // and of equally good ones that of the fewest ranks
            const equal = allowed.filter(({ throughput }) => throughput === best);
            expect(plan.tensor * plan.pipeline).toBe(
              Math.min(...equal.map(({ mesh }) => mesh.tensor * mesh.pipeline)),
            );
          }
        },
      ),
      { numRuns: 300, seed: 9 },
    );
  });

  it('without a target uses one tensor rank and all stages that help', () => {
    const costs: InferenceCosts = { seconds: new Map([[1, [1, 1, 2]], [2, [0.6, 0.6, 1.1]]]), sums: [[8, 8], [8, 8], [8, 8]], rowBytes: 8, outputBytes: 8 }; // prettier-ignore
    const plan = planInference(costs, { alpha: 1e-3, beta: 0 }, { ranks: 8 });
    expect([plan.tensor, plan.pipeline, plan.cuts]).toEqual([1, 2, [0, 2, 3]]); // a third stage would wait for the last
    expect(planInference(costs, { alpha: 1e-3, beta: 0 }, { ranks: 8, latency: 3 }).tensor).toBe(2);
  });

  it('says latency and throughput as a virtual clock does', async () => {
    const link = { alpha: 2e-4, beta: 5e-9 };
    const costs: InferenceCosts = {
      seconds: new Map([[1, [0.01, 0.02, 0.03]], [2, [0.006, 0.011, 0.016]]]), // prettier-ignore
      sums: [[40_000, 40_000], [40_000, 40_000], [40_000, 800]], // prettier-ignore
      rowBytes: 40_000,
      outputBytes: 800,
    };
    for (const mesh of [
      { tensor: 2, pipeline: 1, cuts: [0, 3] },
      { tensor: 1, pipeline: 2, cuts: [0, 2, 3] },
    ]) {
      const run = async (batches: number): Promise<number> => {
        const { seconds: took } = await simulate(
          2,
          async ({ comm, compute }) => {
            const stage = mesh.pipeline > 1 ? comm.rank : 0;
            const sent: Promise<unknown>[] = [];
            for (let b = 0; b < batches; b++) {
              if (stage > 0) await comm.recv(new Uint8Array(costs.rowBytes), stage - 1);
              for (let i = mesh.cuts[stage]!; i < mesh.cuts[stage + 1]!; i++) {
                await compute(costs.seconds.get(mesh.tensor)![i]!);
                if (mesh.tensor > 1)
                  for (const bytes of costs.sums[i]!) await comm.allReduce(new Uint8Array(bytes));
              }
              if (stage < mesh.pipeline - 1) sent.push(comm.send(new Uint8Array(costs.rowBytes), stage + 1));
            }
            await Promise.all(sent);
            if (mesh.pipeline > 1) for (let b = 0; b < batches; b++) await comm.broadcast(new Uint8Array(costs.outputBytes), { root: 1 }); // prettier-ignore
          },
          link,
        );
        return took;
      };
      const [one, many, more] = [await run(1), await run(4), await run(9)];
      expect(one).toBeCloseTo(latencyOf(costs, link, mesh), 10);
      const results = mesh.pipeline > 1 ? link.alpha + link.beta * costs.outputBytes : 0; // after the stream
      expect((more - many) / 5 - results).toBeCloseTo(1 / throughputOf(costs, link, mesh), 10);
    }
  });

  it('refuses what it cannot plan', () => {
    const costs: InferenceCosts = { seconds: new Map([[1, [1]]]), sums: [[]], rowBytes: 1, outputBytes: 1 };
    const link = { alpha: 0, beta: 0 };
    expect(() => planInference(costs, link, { ranks: 0 })).toThrow(ArgumentError);
    expect(() => planInference(costs, link, { ranks: 1, latency: 0 })).toThrow(ArgumentError);
    expect(() => planInference({ ...costs, seconds: new Map() }, link, { ranks: 1 })).toThrow(/one rank/);
  });
});

describe('measured costs', () => {
  it('have a time for every layer and degree, and the bytes that ranks exchange', async () => {
    const before = tf.memory().numTensors;
    const model = bert({
      layers: 3,
      hidden: 24,
      heads: 4,
      intermediate: 40,
      vocabulary: 50,
      positions: 12,
      length: 12,
    });
    const held = tf.memory().numTensors;
    let clock = 0;
    const costs = await measureInference(model, { batch: 2, repeats: 2, now: () => (clock += 0.5) });
    expect([...costs.seconds]).toEqual([1, 2, 4].map((ranks) => [ranks, [0.5, 0.5, 0.5]]));
    const each = 4 * 2 * 12 * 24;
    expect(costs.sums).toEqual([[each, each], [each, each], [4 * 2 * 24, 4 * 2 * 24]]); // prettier-ignore
    expect([costs.rowBytes, costs.outputBytes]).toEqual([each, 4 * 2 * 2]);
    expect(tf.memory().numTensors).toBe(held);
    await expect(measureInference(model, { tensor: [5] })).rejects.toThrow(/\[1, 4\]/);
    await expect(measureInference(model, { batch: 0 })).rejects.toThrow(ArgumentError);
    disposeModel(model);
    expect(tf.memory().numTensors).toBe(before);
  });
});
