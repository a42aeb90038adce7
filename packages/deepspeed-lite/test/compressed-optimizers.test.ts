import { describe, expect, it } from 'vitest';
import { self, simulate } from '@ockham/core/comm';
import {
  adam,
  compressedOptimizerFrom,
  compressedState,
  ef21,
  isCompressed,
  lamb,
  oneBitAdam,
  oneBitLamb,
  restoreCompressedState,
  scaledSign,
  topK,
  zeroOneAdam,
  zeroOneSchedule,
  type CompressedOptimizer,
  type CompressedOptimizerConfig,
  type FlatOptimizer,
} from '../src/index.ts';
import { DEAD, gradientOf, layoutOn, lossOf, P, run, smoothness, targets } from './compressed-runs.ts';

const zeroOne = { freezeStep: 24, varianceUpdates: 4, localDoubling: 8, maxInterval: 4 };
const FAMILY: readonly (readonly [string, () => CompressedOptimizer])[] = [
  ['1-bit Adam', () => oneBitAdam({ warmupSteps: 10, weightDecay: 0.01 })],
  ['1-bit Adam with a scale for each layer', () => oneBitAdam({ warmupSteps: 10, scales: 'layer' })],
  ['0/1 Adam', () => zeroOneAdam({ ...zeroOne, weightDecay: 0.01 })],
  ['1-bit LAMB', () => oneBitLamb({ warmupSteps: 10 })],
  ['EF21 with top-k', () => ef21({ compressor: topK(0.2), optimizer: 'momentum' })],
  ['EF21 with signs', () => ef21({ compressor: scaledSign(), optimizer: 'adam' })],
];

/** Parameters after plain training with the mean gradient of all ranks. */
async function plain(optimizer: FlatOptimizer, ranks: number, steps: number): Promise<Float32Array> {
  const layout = layoutOn(ranks);
  const { results } = await simulate(ranks, async ({ comm }) => {
    const parameters = new Float32Array(layout.padded);
    const state = Object.fromEntries(optimizer.slots.map((slot) => [slot, new Float32Array(layout.padded)]));
    for (let step = 1; step <= steps; step++) {
      const gradient = await comm.allReduce(gradientOf(parameters, comm.rank, step), 'mean');
      await optimizer.step({ parameters, state, begin: 0, end: layout.padded, layout }, gradient, {
        step,
        learningRate: 0.02,
        sumOverSlices: (sums) => Promise.resolve(sums),
      });
    }
    return parameters;
  });
  return results[0]!;
}

describe.each(FAMILY)('%s', (name, make) => {
  it.each([1, 2, 4, 8])('has the same bits on each of %i ranks, and learns', async (ranks) => {
    const optimizer = make();
    // 40 is a step after which the ranks of 0/1 Adam agree
    const results = await run(optimizer, {
      ranks,
      steps: 40,
      ...(name === '1-bit LAMB' && { learningRate: 0.1 }),
    });
    for (const { parameters, saved } of results) {
      expect(parameters).toEqual(results[0]!.parameters);
      expect(saved).toEqual(results[0]!.saved);
    }
    const [{ parameters, losses }] = results as [(typeof results)[0]];
    expect(losses.at(-1)!).toBeLessThan(0.75 * lossOf(new Float32Array(P), ranks));
    expect([...parameters.subarray(P)].every((x) => x === 0)).toBe(true);
    // signs have no 0, and EF21 must find that out
    if (!name.includes('EF21 with signs')) expect(parameters[DEAD]).toBe(0);
  });

  it('goes on from a saved state to the bit, in the warm-up and after, also between synchronisations', async () => {
    const whole = await run(make(), { ranks: 4, steps: 42 });
    for (const step of [7, 10, 26, 35]) {
      const [first] = await run(make(), { ranks: 4, steps: step });
      const from = { step, parameters: first!.parameters, saved: first!.saved };
      const rest = await run(make(), { ranks: 4, steps: 42, from });
      rest.forEach(({ parameters, saved }, rank) => {
        expect(parameters).toEqual(whole[rank]!.parameters);
        expect(saved).toEqual(whole[rank]!.saved);
      });
    }
  });

  it.each([1, 2, 3, 8])('goes on from 4 ranks on %i, owing what it owed', async (ranks) => {
    const optimizer = make();
    const [first] = await run(optimizer, { ranks: 4, steps: 30 });
    const { saved } = first!;
    const layout = layoutOn(ranks);
    const states = Array.from({ length: ranks }, (_unused, rank) =>
      restoreCompressedState(optimizer, saved, layout, { rank, size: ranks }),
    );
    for (const [slot, kind] of Object.entries(optimizer.slots)) {
      if (kind === 'chunk')
        expect(Float32Array.from(states.flatMap((state) => [...state[slot]!]))).toEqual(saved.arrays[slot]);
      if (kind !== 'local') continue;
      for (let i = 0; i < P; i++) {
        const owed = [0, 1, 2, 3].reduce((sum, rank) => sum + saved.arrays[slot]![rank * P + i]! / 4, 0);
        const now = states.reduce((sum, state) => sum + state[slot]![i]! / ranks, 0);
        expect(now).toBeCloseTo(owed, 6);
      }
    }
    const from = { step: 30, parameters: first!.parameters, saved };
    const results = await run(optimizer, { ranks, steps: 40, from });
    for (const { parameters } of results) expect(parameters).toEqual(results[0]!.parameters);
    expect(results[0]!.parameters.every(Number.isFinite)).toBe(true);
  });

  it('refuses a gradient that is not finite on every rank, and keeps its state', async () => {
    const optimizer = make();
    for (const step of [1, 12]) {
      const outcomes = await simulate(2, async ({ comm }) => {
        const layout = layoutOn(2);
        const slice = {
          parameters: new Float32Array(layout.padded),
          state: compressedState(optimizer, layout, comm),
          begin: 0,
          end: layout.padded,
          layout,
        };
        for (let k = 1; k < step; k++)
          await optimizer.step(slice, gradientOf(slice.parameters, comm.rank, k), {
            comm,
            step: k,
            learningRate: 0.02,
          });
        if (step === 1) slice.state['anchor']?.set(slice.parameters);
        const before = structuredClone({ state: slice.state, parameters: slice.parameters });
        const bad = gradientOf(slice.parameters, comm.rank, step);
        if (comm.rank === 1) bad[3] = NaN;
        const error = await optimizer
          .step(slice, bad, { comm, step, learningRate: 0.02 })
          .catch((e: unknown) => e);
        expect({ state: slice.state, parameters: slice.parameters }).toEqual(before);
        return (error as Error).message;
      });
      for (const message of outcomes.results)
        expect(message).toContain('gradients must be finite on every rank');
    }
  });

  it('refuses a slice that is not the whole vector', async () => {
    const optimizer = make();
    const layout = layoutOn(2);
    const slice = { parameters: new Float32Array(15), state: {}, begin: 0, end: 15, layout };
    const step = optimizer.step(slice, new Float32Array(15), { comm: self(), step: 1, learningRate: 0.1 });
    await expect(step).rejects.toThrow('every rank needs the whole vector, [0, 30), got [0, 15)');
  });
});

describe('1-bit Adam', () => {
  it('has the bits of Adam in the warm-up', async () => {
    const [found] = await run(oneBitAdam({ warmupSteps: 20 }), { ranks: 4, steps: 20 });
    expect(found!.parameters).toEqual(await plain(adam(), 4, 20));
  });

  it('steps with ± scale/√v̂ in the first step after it, by hand', async () => {
    const layout = layoutOn(1);
    const parameters = new Float32Array(layout.padded);
    const optimizer = oneBitAdam({ warmupSteps: 1, epsilon: 0 });
    const state = compressedState(optimizer, layout, self());
    const slice = { parameters, state, begin: 0, end: layout.padded, layout };
    const ones = () => new Float32Array(layout.padded).fill(1);
    await optimizer.step(slice, ones(), { comm: self(), step: 1, learningRate: 0.1 });
    expect(parameters[0]).toBeCloseTo(-0.1, 6);
    const second = ones();
    second[0] = -4;
    await optimizer.step(slice, second, { comm: self(), step: 2, learningRate: 0.1 });
    // m was 0.1; now −0.31 in one place and 0.19 in 28: the scale is their mean, twice the same on one rank
    const scale = (0.31 + 28 * 0.19) / 29;
    expect(state['workerError']![0]).toBeCloseTo(-0.31 + scale, 6);
    expect(state['workerError']![1]).toBeCloseTo(0.19 - scale, 6);
    expect(parameters[0]).toBeCloseTo(-0.1 + (0.1 * scale) / 0.19, 6);
    expect(parameters[1]).toBeCloseTo(-0.1 - (0.1 * scale) / 0.19, 6);
  });
});

describe('1-bit LAMB', () => {
  it('has the bits of LAMB in the warm-up', async () => {
    const [found] = await run(oneBitLamb({ warmupSteps: 20 }), { ranks: 4, steps: 20 });
    expect(found!.parameters).toEqual(await plain(lamb(), 4, 20));
  });

  it('brings the momenta of all layers to one magnitude, and keeps its factor in bounds', async () => {
    const [found] = await run(oneBitLamb({ warmupSteps: 10, factor: [0.9, 1.2], factorChange: 0.05 }), {
      ranks: 2,
      steps: 10,
    });
    const { scale, m } = found!.saved.arrays;
    const scaled = layoutOn(2).entries.map(({ offset, size }, l) =>
      Math.sqrt(m!.subarray(offset, offset + size).reduce((sum, x) => sum + (x * scale![l]!) ** 2, 0) / size),
    );
    scaled.forEach((x) => expect(x).toBeCloseTo(scaled[0]!, 6));
    let last = 1;
    for (const steps of [11, 12, 20]) {
      const [later] = await run(oneBitLamb({ warmupSteps: 10, factor: [0.9, 1.2], factorChange: 0.05 }), {
        ranks: 2,
        steps,
      });
      const factor = later!.saved.arrays['factor']![0]!;
      expect(factor).toBeGreaterThanOrEqual(0.9 - 1e-6);
      expect(factor).toBeLessThanOrEqual(1.2 + 1e-6);
      if (steps < 20) expect(Math.abs(factor / last - 1)).toBeLessThanOrEqual(0.05 + 1e-6);
      last = factor;
    }
  });
});

describe('0/1 Adam', () => {
  it('updates the variance at k₀ = 1, k_{j+1} = k_j + 2^⌊j/κ⌋, and counts the updates', () => {
    const kappa = 3;
    const freezeStep = 200;
    const expected: number[] = [];
    for (let j = 0, k = 1; k <= freezeStep; k += 2 ** Math.floor(j / kappa), j++) expected.push(k);
    const options = { freezeStep, varianceUpdates: kappa };
    const found: number[] = [];
    for (let step = 1; step <= freezeStep; step++) {
      const { kind, updates } = zeroOneSchedule(step, options);
      if (kind === 'full') found.push(step);
      expect(updates).toBe(found.length);
    }
    expect(found).toEqual(expected);
    expect(zeroOneSchedule(500, options).updates).toBe(expected.length);
  });

  it('then synchronises every 1, 2, 4 steps up to the bound', () => {
    const kinds = Array.from(
      { length: 16 },
      (_, i) => zeroOneSchedule(11 + i, { freezeStep: 10, localDoubling: 4, maxInterval: 4 }).kind,
    );
    const at = [...kinds.keys()].filter((i) => kinds[i] === 'signs').map((i) => i + 1);
    expect(at).toEqual([1, 2, 3, 4, 6, 8, 12, 16]);
    expect(zeroOneAdam({ freezeStep: 10, localDoubling: 4 }).synchronised!(15)).toBe(false);
  });

  it('sends nothing in a local step, and brings the ranks together on demand', async () => {
    const optimizer = zeroOneAdam(zeroOne);
    const results = await run(optimizer, { ranks: 2, steps: 39 });
    expect(results[0]!.sent[38]).toBe(0);
    expect(results[0]!.parameters).not.toEqual(results[1]!.parameters);
    const layout = layoutOn(2);
    const { results: after } = await simulate(2, async ({ comm }) => {
      const { parameters, saved } = results[comm.rank]!;
      const state = restoreCompressedState(optimizer, saved, layout, comm);
      const slice = { parameters: parameters.slice(), state, begin: 0, end: layout.padded, layout };
      await optimizer.synchronise!(slice, { comm, step: 39 });
      const once = slice.parameters.slice();
      await optimizer.synchronise!(slice, { comm, step: 39 });
      expect(slice.parameters).toEqual(once);
      return once;
    });
    expect(after[0]).toEqual(after[1]);
    expect(lossOf(after[0]!, 2)).toBeLessThan(1.2 * Math.max(...results.map(({ losses }) => losses[38]!)));
  });
});

describe('EF21', () => {
  it.each([
    ['top-k', topK(0.2), 0.2],
    ['top-k of one', topK(1 / P), 1 / P],
  ])('with %s falls at the rate of its theorem on a quadratic', async (_, compressor, fraction) => {
    const ranks = 4;
    const delta = compressor.delta(P);
    expect(delta).toBeGreaterThanOrEqual(fraction);
    const { L, mu } = smoothness;
    // Richtárik et al. 2021, Theorem 2: Ψ = f − f* + (γ/θ)·G falls by 1 − γμ each step
    const theta = 1 - Math.sqrt(1 - delta);
    const beta = (1 - delta) / theta;
    const gamma = Math.min(1 / (L + L * Math.sqrt((2 * beta) / theta)), theta / (2 * mu));
    const optimizer = ef21({ compressor });
    const layout = layoutOn(ranks);
    const { results } = await simulate(ranks, async ({ comm }) => {
      const slice = {
        parameters: new Float32Array(layout.padded),
        state: compressedState(optimizer, layout, comm),
        begin: 0,
        end: layout.padded,
        layout,
      };
      const psi: number[] = [];
      for (let step = 1; step <= 200; step++) {
        const f = lossOf(slice.parameters, ranks);
        const gradient = gradientOf(slice.parameters, comm.rank, step, 0);
        const g = gradient.slice();
        await optimizer.step(slice, gradient, { comm, step, learningRate: gamma });
        const gap = new Float64Array([0]);
        for (let i = 0; i < P; i++) gap[0] = gap[0]! + (slice.state['estimate']![i]! - g[i]!) ** 2;
        await comm.allReduce(gap, 'mean');
        psi.push(f + (gamma / theta) * gap[0]!);
      }
      return psi;
    });
    const psi = results[0]!;
    for (let t = 1; t < psi.length && psi[t]! > 1e-7; t++)
      expect(psi[t]! / psi[t - 1]!, `step ${t}`).toBeLessThanOrEqual(1 - gamma * mu + 1e-4);
    expect(psi.at(-1)!).toBeLessThan((1 - gamma * mu) ** 199 * psi[0]! + 1e-7);
  });

  it('reaches the minimum of the mean of very different ranks, where signs alone stay away', async () => {
    const steps = 300;
    const options = { ranks: 4, steps, learningRate: 0.1, noise: 0 };
    const [found] = await run(ef21({ compressor: scaledSign() }), options);
    expect(found!.losses.at(-1)!).toBeLessThan(1e-6);
    const alone = new Float32Array(P);
    for (let step = 1; step <= steps; step++) {
      const next = new Float32Array(P);
      for (let rank = 0; rank < 4; rank++) {
        const message = new Uint8Array(scaledSign().bytes(P));
        scaledSign().compress(gradientOf(alone, rank, step, 0), message);
        scaledSign().add(message, next);
      }
      next.forEach((g, i) => (alone[i] = i === DEAD ? 0 : alone[i]! - (0.1 * g) / 4));
    }
    expect(lossOf(alone, 4)).toBeGreaterThan(1e-3);
    expect(targets).toHaveLength(8);
  });
});

describe('compressedOptimizerFrom', () => {
  it.each<[CompressedOptimizerConfig, string]>([
    [{ name: 'oneBitAdam', warmupSteps: 3 }, 'oneBitAdam'],
    [{ name: 'zeroOneAdam', freezeStep: 3 }, 'zeroOneAdam'],
    [{ name: 'oneBitLamb', warmupSteps: 3 }, 'oneBitLamb'],
    [{ name: 'ef21' }, 'ef21'],
    [ef21(), 'ef21'],
  ])('makes what %j names', (config, name) => {
    expect(isCompressed(config)).toBe(true);
    expect(compressedOptimizerFrom(config).name).toBe(name);
  });

  it('tells the others apart', () => {
    expect(['adam', adam(), { name: 'adam' }, null].map(isCompressed)).toEqual([false, false, false, false]);
  });

  it.each([
    [() => compressedOptimizerFrom({ name: 'adam' } as never), 'must be oneBitAdam, zeroOneAdam'],
    [() => oneBitAdam({ warmupSteps: 0 }), 'warmupSteps must be an integer ≥ 1, got 0'],
    [() => zeroOneAdam({ freezeStep: 5, maxInterval: 1.5 }), 'maxInterval must be an integer ≥ 1, got 1.5'],
    [() => oneBitLamb({ warmupSteps: 5, factor: [2, 1] }), 'factor must be [low, high]'],
    [() => topK(0), 'fraction must be in (0, 1], got 0'],
  ])('refuses what makes no sense, case %#', (make, message) => {
    expect(make).toThrow(message);
  });

  it('refuses a saved state of another model', () => {
    const saved = { ranks: 2, arrays: { m: new Float32Array(3) } };
    expect(() => restoreCompressedState(oneBitAdam({ warmupSteps: 1 }), saved, layoutOn(1), self())).toThrow(
      'the saved m must have 29 values',
    );
  });
});
