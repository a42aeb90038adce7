import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { ArgumentError, type Split } from '@ockham/core';
import { Random } from '@ockham/core/random';
import { meanGradients, restoreWeights, saveWeights, train, variableOf } from '@ockham/core/training';
import { adaLora, addAdapter, applyLora, loraReport, rankBudget, sora } from '../src/index.ts';
import { loraOf } from '../src/lora/lora-state.ts';

const random = new Random(8);
const normals = (n: number, scale = 1) => Float32Array.from({ length: n }, () => scale * random.normal());

/** Two linear layers side by side on one input; the first has to learn a change of rank 2, the other one none. */
function problem(): { base: tf.LayersModel; data: Split } {
  const input = tf.input({ shape: [10] });
  const changed = tf.layers.dense({ name: 'changed', units: 8, useBias: false }).apply(input);
  const right = tf.layers.dense({ name: 'right', units: 8, useBias: false }).apply(input);
  const output = tf.layers.concatenate().apply([changed, right] as tf.SymbolicTensor[]) as tf.SymbolicTensor;
  const base = tf.model({ inputs: input, outputs: output });
  const x = normals(10 * 128);
  const y = tf.tidy(() => {
    const rows = tf.tensor2d(x, [128, 10]);
    const [u, v] = [tf.tensor2d(normals(20), [10, 2]), tf.tensor2d(normals(16), [2, 8])];
    const change = tf.matMul(rows, tf.matMul(u, v));
    return tf.add(base.predict(rows) as tf.Tensor, tf.concat([change, tf.zerosLike(change)], 1)).dataSync();
  });
  return {
    base,
    data: { size: 128, x: { values: x, shape: [10] }, y: { values: Float32Array.from(y), shape: [16] } },
  };
}

const loss = 'meanSquaredError' as const;
const adam = { name: 'adam', learningRate: 0.02 } as const;

const outputs = (model: tf.LayersModel, data: Split) =>
  tf.tidy(() =>
    (model.predict(tf.tensor2d(data.x.values as Float32Array, [data.size, 10])) as tf.Tensor).dataSync(),
  );

describe('sora', () => {
  it('takes the threshold from the size of every gate, and none from those at zero', () => {
    const { base } = problem();
    const adapted = applyLora(base, { rank: 3 });
    const before = tf.memory().numTensors;
    const gates = sora(adapted, { threshold: 0.3 });
    const b = variableOf(loraOf('test', adapted).sites[0]!.lora.adapters.get('default')!.b);
    const seen: number[] = [];
    for (let i = 0; i < 5; i++) {
      gates.apply!();
      seen.push(gates.ranks()['changed']!);
    }
    expect(seen).toEqual([3, 3, 3, 0, 0]); // 1 − 0.3 i
    expect(b.dataSync().every((value) => value === 0)).toBe(true);
    gates.finish();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('hands on the gradients of B = diag(g) R', () => {
    const { base, data } = problem();
    const adapted = applyLora(base, { rank: 2, targets: 'changed' });
    const b = variableOf(loraOf('test', adapted).sites[0]!.lora.adapters.get('default')!.b);
    const rows = tf.tensor2d(normals(16), [2, 8]);
    b.assign(rows);
    const gates = sora(adapted);
    const given = meanGradients(adapted, data, { loss });
    const changed = gates.gradients!(given);
    expect(Object.keys(changed)).not.toContain(b.name);
    const gradient = given[b.name]!;
    const [gate, ofRows] = Object.entries(changed).filter(([name]) => !(name in given)).map(([, value]) => value);
    const norms = tf.norm(rows, 2, 1, true);
    const wanted = [tf.sum(tf.mul(gradient, tf.div(rows, norms)), 1), tf.mul(gradient, norms)];
    for (const [ours, theirs] of [[gate!, wanted[0]!], [ofRows!, wanted[1]!]] as const) {
      const values = theirs.dataSync();
      ours.dataSync().forEach((value, i) => expect(value).toBeCloseTo(values[i]!, 5));
    }
  }); // prettier-ignore

  it('closes what is not needed and keeps what is; the smaller adapters compute the same', async () => {
    const { base, data } = problem();
    const adapted = applyLora(base, { rank: 4, alpha: 4, seed: 1 });
    const gates = sora(adapted, { threshold: 6e-3 });
    await train(adapted, data, { epochs: 60, batchSize: 32, loss, optimizer: adam, constraint: gates, seed: 1 });
    const ranks = gates.ranks();
    expect(ranks['right']).toBe(0);
    expect(ranks['changed']).toBeGreaterThanOrEqual(2);
    const before = outputs(adapted, data);
    gates.finish();
    expect(loraReport(adapted).layers.map(({ rank }) => rank)).toEqual([ranks['changed'], 1]);
    outputs(adapted, data).forEach((value, i) => expect(value).toBeCloseTo(before[i]!, 4));
  }); // prettier-ignore

  it('goes on from weights that are put back after it was made, such as those of a checkpoint', async () => {
    const { base, data } = problem();
    const trained = applyLora(base, { rank: 3, seed: 1 });
    await train(trained, data, { epochs: 2, batchSize: 32, loss, optimizer: adam, seed: 1 });
    const adapted = applyLora(base, { rank: 3, seed: 1 });
    const gates = sora(adapted, { threshold: 0 });
    restoreWeights(adapted, await saveWeights(trained));
    gates.gradients!(meanGradients(adapted, data, { loss }));
    gates.apply!();
    const wanted = outputs(trained, data);
    outputs(adapted, data).forEach((value, i) => expect(value).toBeCloseTo(wanted[i]!, 5));
  });

  it('refuses adapters whose parts it cannot gate, none in use, and a threshold below 0', () => {
    const { base } = problem();
    expect(() => sora(applyLora(base, { heads: 2 }))).toThrow(/one head/);
    expect(() => sora(applyLora(base, { rank: 2 }), { threshold: -1 })).toThrow(ArgumentError);
    const adapted = applyLora(base, { rank: 2 });
    addAdapter(adapted, 'other', { rank: 2, dora: true });
    expect(() => sora(adapted)).toThrow(/no DoRA/);
    expect(() => sora(base)).toThrow(/needs a model that applyLora made/);
  });
});

describe('adaLora', () => {
  it('lowers the budget along a cubic', () => {
    const parts = { first: 24, last: 8 };
    const at = (t: number) => rankBudget(t, parts, { steps: 100, warmup: 0.1, final: 0.4 });
    expect([0, 9, 10, 60, 100].map(at)).toEqual([24, 24, 24, 8, 8]);
    expect(at(35)).toBe(Math.ceil(8 + 16 * 0.5 ** 3));
    for (let t = 1; t <= 100; t++) expect(at(t)).toBeLessThanOrEqual(at(t - 1));
  });

  it('gives the parts to the layer that needs them, and ends at the budget', async () => {
    const { base, data } = problem();
    const adapted = applyLora(base, { rank: 4, alpha: 4, seed: 1 });
    const untouched = await saveWeights(base);
    const before = tf.memory().numTensors;
    const gates = adaLora(adapted, { targetRank: 1, steps: 80, every: 4, seed: 1 });
    const { epochs: history } = await train(adapted, data, { epochs: 20, batchSize: 32, loss, optimizer: adam, constraint: gates, seed: 1 });
    expect(gates.ranks()).toEqual({ changed: 2, right: 0 });
    const outputsBefore = outputs(adapted, data);
    gates.finish();
    outputs(adapted, data).forEach((value, i) => expect(value).toBeCloseTo(outputsBefore[i]!, 4));
    expect(tf.memory().numTensors).toBe(before);
    expect(await saveWeights(base)).toEqual(untouched);
    expect(history.at(-1)!.loss).toBeLessThan(0.5 * history[0]!.loss);
  }); // prettier-ignore

  it('repeats to the bit', async () => {
    const { base, data } = problem();
    const run = async () => {
      const adapted = applyLora(base, { rank: 3, seed: 2 });
      const gates = adaLora(adapted, { targetRank: 1, steps: 8, every: 2, seed: 3 });
      await train(adapted, data, {
        epochs: 2,
        batchSize: 32,
        loss,
        optimizer: adam,
        constraint: gates,
        seed: 2,
      });
      gates.finish();
      return outputs(adapted, data);
    };
    expect(await run()).toEqual(await run());
  });

  it('keeps parts orthogonal by its penalty', async () => {
    const { base, data } = problem();
    const distance = async (orthogonality: number) => {
      const adapted = applyLora(base, { rank: 4, seed: 2, targets: 'changed' });
      const gates = adaLora(adapted, { targetRank: 4, steps: 100, orthogonality, seed: 3 });
      await train(adapted, data, {
        epochs: 10,
        batchSize: 32,
        loss,
        optimizer: adam,
        constraint: gates,
        seed: 2,
      });
      const { a } = loraOf('test', adapted).sites[0]!.lora.adapters.get('default')!;
      return tf.tidy(() => tf.norm(tf.sub(tf.matMul(a.read(), a.read(), true), tf.eye(4))).dataSync()[0]!);
    };
    expect(await distance(1)).toBeLessThan(0.3 * (await distance(0)));
  });

  it.each([
    [{ targetRank: 0, steps: 10 }, /targetRank must be a number > 0/],
    [{ targetRank: 9, steps: 10 }, /from 1 part to as many as the adapter has, 8 in 2 layers/],
    [{ targetRank: 1, steps: 0 }, /steps must be/],
    [{ targetRank: 1, steps: 10, warmup: 0.7, final: 0.3 }, /final must be in/],
    [{ targetRank: 1, steps: 10, beta1: 1 }, /beta1 must be in/],
  ] as const)('refuses %o', (options, message) => {
    expect(() => adaLora(applyLora(problem().base, { rank: 4 }), options)).toThrow(message);
  });
});
