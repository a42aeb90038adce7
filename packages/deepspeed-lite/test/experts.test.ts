import {
  layers,
  matMul,
  memory,
  mul,
  reshape,
  sequential,
  slice,
  softmax,
  sum,
  tensor,
  tidy,
  variableGrads,
  type Tensor,
} from '@tensorflow/tfjs';
import { self, simulate } from '@ockham/core/comm';
import { cloneModel } from '@ockham/core/models';
import { Random } from '@ockham/core/random';
import { trainableVariables } from '@ockham/core/training';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  applyExperts,
  balanceLoss,
  combineTokens,
  dispatchTokens,
  firstChoices,
  fromExperts,
  MixtureOfExperts,
  routeTokens,
  toExperts,
  tokenOfRow,
  type MixtureOfExpertsArgs,
} from '../src/index.ts';

const random = new Random(2);
const normals = (n: number) => Float32Array.from({ length: n }, () => random.normal());
const moe = (args: MixtureOfExpertsArgs, width = 3) => {
  const layer = new MixtureOfExperts({ name: 'moe', ...args });
  return { layer, model: sequential({ layers: [layers.inputLayer({ inputShape: [width] }), layer] }) };
};

describe('routeTokens', () => {
  it('gives a token its best expert, drops it where there is no room, by hand', () => {
    const probabilities = Float32Array.from([0.9, 0.1, 0.8, 0.2, 0.7, 0.3, 0.4, 0.6]);
    const found = routeTokens(probabilities, 2, { capacityFactor: 1 });
    expect(found.capacity).toBe(2);
    expect([...found.expert]).toEqual([0, 0, 0, 1]);
    expect([...found.row]).toEqual([0, 1, -1, 2]);
    expect(found.dropped).toBe(1);
    expect([...tokenOfRow(found)]).toEqual([0, 1, 3, -1]);
    expect([...firstChoices(found)]).toEqual([0.75, 0.25]);
  });

  it('gives two experts to each token, all first choices first', () => {
    const probabilities = Float32Array.from([0.5, 0.3, 0.2, 0.1, 0.5, 0.4]);
    const found = routeTokens(probabilities, 3, { top: 2, capacityFactor: 0.75 });
    expect(found.capacity).toBe(1);
    expect([...found.expert]).toEqual([0, 1, 1, 2]);
    expect([...found.row]).toEqual([0, -1, 1, 2]);
  });

  it('never fills a place twice, nor an expert beyond its room', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 5 }),
        fc.integer({ min: 1, max: 12 }),
        fc.constantFrom(1 as const, 2 as const),
        fc.nat(),
        (experts, tokens, top, seed) => {
          const draws = new Random(seed);
          const found = routeTokens(
            Float32Array.from({ length: experts * tokens }, () => draws.integer(4) / 4),
            experts,
            { top, capacityFactor: 1 },
          );
          const rows = [...found.row].filter((place) => place >= 0);
          expect(new Set(rows).size).toBe(rows.length);
          expect(rows.length + found.dropped).toBe(tokens * top);
          found.row.forEach((place, i) => {
            if (place >= 0) expect(Math.floor(place / found.capacity)).toBe(found.expert[i]);
          });
          if (top === 2)
            for (let t = 0; t < tokens; t++) expect(found.expert[2 * t]).not.toBe(found.expert[2 * t + 1]);
        },
      ),
      { numRuns: 50 },
    );
  });

  it.each([
    [() => routeTokens(new Float32Array(5), 2), 'a probability for each of 2 experts'],
    [() => routeTokens(new Float32Array([1, NaN]), 2), 'got NaN for token 0'],
    [
      () => routeTokens(new Float32Array(2), 2, { capacityFactor: 0 }),
      'capacityFactor must be finite and above 0',
    ],
    [
      () => new MixtureOfExperts({ experts: 1, hidden: 2, top: 2 }),
      'experts must be an integer ≥ top = 2, got 1',
    ],
    [() => new MixtureOfExperts({ experts: 2, hidden: 0 }), 'hidden must be an integer ≥ 1, got 0'],
    [() => new MixtureOfExperts({ experts: 4, hidden: 1, top: 3 as 2 }), 'top must be 1 or 2, got 3'],
  ])('refuses what makes no sense, case %#', (make, message) => {
    expect(make).toThrow(message);
  });
});

describe('the layer', () => {
  it.each([1, 2] as const)('is the weighted sum of the top %i experts of each token, one by one', (top) => {
    const { layer, model } = moe({ experts: 4, hidden: 5, top, capacityFactor: 4, seed: 3 });
    const x = normals(7 * 3);
    const y = tidy(() => (model.apply(tensor(x, [7, 3])) as Tensor).dataSync());
    const [gate, k1, b1, k2, b2] = layer.getWeights().map((w) => w.dataSync());
    for (let t = 0; t < 7; t++) {
      const logits = [0, 1, 2, 3].map((e) =>
        [0, 1, 2].reduce((s, j) => s + x[t * 3 + j]! * gate![j * 4 + e]!, 0),
      );
      const all = logits.reduce((s, l) => s + Math.exp(l), 0);
      const p = logits.map((l) => Math.exp(l) / all);
      const best = [0, 1, 2, 3].sort((a, b) => p[b]! - p[a]!).slice(0, top);
      const norm = top === 1 ? 1 : p[best[0]!]! + p[best[1]!]!;
      for (let j = 0; j < 3; j++) {
        let expected = 0;
        for (const e of best) {
          let out = b2![e * 3 + j]!;
          for (let h = 0; h < 5; h++) {
            let a = b1![e * 5 + h]!;
            for (let i = 0; i < 3; i++) a += x[t * 3 + i]! * k1![(e * 3 + i) * 5 + h]!;
            out += Math.max(0, a) * k2![(e * 5 + h) * 3 + j]!;
          }
          expected += (p[e]! / norm) * out;
        }
        expect(y[t * 3 + j]).toBeCloseTo(expected, 5);
      }
    }
    model.dispose();
  });

  it.each([1, 2] as const)(
    'has the gradients of finite differences, with top %i, balance loss and tokens dropped',
    (top) => {
      const { layer, model } = moe({ experts: 3, hidden: 4, top, capacityFactor: 0.8, seed: 5, groups: 2 });
      const x = tensor(normals(8 * 3), [8, 3]);
      const weights = tensor(normals(8 * 3), [8, 3]);
      const objective = () =>
        tidy(() => sum(mul(model.apply(x) as Tensor, weights)).add(layer.balanceLoss(x).mul(0.5))).asScalar();
      const { grads, value } = variableGrads(objective, trainableVariables(model));
      value.dispose();
      const read = () => tidy(() => objective().dataSync()[0]!);
      for (const variable of trainableVariables(model)) {
        const found = grads[variable.name]!.dataSync();
        const start = Float32Array.from(variable.dataSync());
        for (let i = 0; i < start.length; i += 3) {
          const at = (delta: number) => {
            const moved = start.slice();
            moved[i] = moved[i]! + delta;
            tidy(() => variable.assign(tensor(moved, variable.shape)));
            return read();
          };
          // at a kink of relu the gradient is between the slopes of the two sides
          const sides = [(at(1e-3) - at(0)) / 1e-3, (at(0) - at(-1e-3)) / 1e-3];
          const slack = 0.01 + 0.02 * Math.abs(sides[0]!);
          expect(found[i], `${variable.name} ${i}`).toBeGreaterThan(Math.min(...sides) - slack);
          expect(found[i], `${variable.name} ${i}`).toBeLessThan(Math.max(...sides) + slack);
        }
        tidy(() => variable.assign(tensor(start, variable.shape)));
      }
      for (const grad of Object.values(grads)) grad.dispose();
      x.dispose();
      weights.dispose();
      model.dispose();
    },
  );

  it('takes sequences, loads again and leaks no tensor', async () => {
    const layer = new MixtureOfExperts({ experts: 2, hidden: 3, seed: 1 });
    const model = sequential({ layers: [layers.inputLayer({ inputShape: [4, 3] }), layer] });
    const x = tensor(normals(24), [2, 4, 3]);
    const y = tidy(() => (model.apply(x) as Tensor).dataSync());
    const tensors = memory().numTensors;
    tidy(() => void model.apply(x));
    expect(memory().numTensors).toBe(tensors);
    const copy = await cloneModel(model);
    expect(tidy(() => (copy.apply(x) as Tensor).dataSync())).toEqual(y);
    expect(y).toHaveLength(24);
    x.dispose();
    copy.dispose();
    model.dispose();
  });

  it('balance is 1 where all experts get as much, and E where one gets all', () => {
    const even = Float32Array.from([0.75, 0.25, 0.25, 0.75]);
    const all = Float32Array.from([1, 0, 1, 0]);
    const of = (p: Float32Array) =>
      tidy(() => balanceLoss(tensor(p, [2, 2]), routeTokens(p, 2)).dataSync()[0]);
    expect(of(even)).toBeCloseTo(1, 6);
    expect(of(all)).toBeCloseTo(2, 6);
  });
});

describe('experts on ranks', () => {
  it.each([
    [1, 1],
    [2, 1],
    [2, 2],
    [4, 2],
  ] as const)('on %i ranks give the bits of one rank, top %i', async (ranks, top) => {
    const experts = 4;
    const per = 6;
    const width = 3;
    const options = { top, capacityFactor: 1 };
    const { layer, model } = moe({ experts, hidden: 5, groups: ranks, seed: 8, ...options });
    const x = normals(ranks * per * width);
    const whole = tidy(() => (model.apply(tensor(x, [ranks * per, width])) as Tensor).dataSync());
    const [gate, kernel1, bias1, kernel2, bias2] = layer.getWeights() as [
      Tensor,
      Tensor,
      Tensor,
      Tensor,
      Tensor,
    ];
    const { results } = await simulate(ranks, async ({ comm }) => {
      const own = tensor(x.slice(comm.rank * per * width, (comm.rank + 1) * per * width), [per, width]);
      const probabilities = tidy(() => softmax(matMul(own, gate)));
      const routing = routeTokens(probabilities.dataSync() as Float32Array, experts, options);
      const { capacity } = routing;
      const sizes = { experts, capacity, width };
      const rows = tidy(() => dispatchTokens(own, routing).dataSync() as Float32Array);
      const here = await toExperts(comm, rows, sizes);
      const local = experts / ranks;
      const seen = tidy(() => {
        const part = (w: Tensor) => slice(w, comm.rank * local, local);
        const held = {
          kernel1: part(kernel1),
          bias1: part(bias1),
          kernel2: part(kernel2),
          bias2: part(bias2),
        };
        return applyExperts(tensor(here, [local, ranks * capacity, width]), held).dataSync() as Float32Array;
      });
      const back = await fromExperts(comm, seen, sizes);
      const y = tidy(() =>
        combineTokens(reshape(tensor(back), [experts * capacity, width]), probabilities, routing).dataSync(),
      );
      own.dispose();
      probabilities.dispose();
      return { y, sent: comm.ledger.of('allToAll').sent, bytes: 4 * experts * capacity * width };
    });
    expect(Float32Array.from(results.flatMap(({ y }) => [...y]))).toEqual(whole);
    for (const { sent, bytes } of results) expect(sent).toBe((2 * bytes * (ranks - 1)) / ranks);
    model.dispose();
  });

  it('the way back undoes the way there', async () => {
    const sizes = { experts: 6, capacity: 2, width: 2 };
    await simulate(3, async ({ comm }) => {
      const rows = Float32Array.from({ length: 24 }, (_, i) => 100 * comm.rank + i);
      const there = await toExperts(comm, rows, sizes);
      // expert 2r of rank r: the tokens of ranks 0, 1 and 2
      expect([0, 4, 8].map((at) => there[at])).toEqual([0, 100, 200].map((from) => from + 8 * comm.rank));
      expect(await fromExperts(comm, there, sizes)).toEqual(rows);
    });
  });

  it('refuses experts that cannot be shared, and rows that do not fit', async () => {
    const sizes = { experts: 3, capacity: 1, width: 1 };
    await simulate(2, async ({ comm }) => {
      await expect(toExperts(comm, new Float32Array(3), sizes)).rejects.toThrow('got 3 experts on 2 ranks');
    });
    await expect(fromExperts(self(), new Float32Array(4), sizes)).rejects.toThrow(
      '[3 · 1, 1] = 3 values, got 4',
    );
  });
});
