import { memory } from '@tensorflow/tfjs';
import { saveWeights, type Snapshot, type SnapshotStore } from '@ockham/core/training';
import { describe, expect, it } from 'vitest';
import { trainMoq, type MoqLayer } from '../../src/compress/training/index.ts';
import { points, tinyBert, tinyMlp, tokenTexts } from './tiny-models.ts';

const logits = 'crossEntropyFromLogits' as const;
const curvature = { examples: 8, iterations: 2 } as const;
const only = (path: string) => /query|classifier|word/.test(path);

describe('trainMoq', () => {
  it('takes bits away layer by layer, flat ones first, and ends on the target grid', async () => {
    const model = tinyMlp();
    const data = points(64);
    const tensors = memory().numTensors;
    const { plan, layers, meanBits } = await trainMoq(model, data, { epochs: 10, batchSize: 8, target: 4, seed: 1, curvature }); // prettier-ignore
    expect(memory().numTensors).toBe(tensors);
    expect(meanBits).toBe(4);
    expect(layers.every(({ grid }) => grid.bits === 4)).toBe(true);
    const [flat, steep] = plan.toSorted((a, b) => Math.abs(a.eigenvalue!) - Math.abs(b.eigenvalue!)) as [MoqLayer, MoqLayer]; // prettier-ignore
    expect(steep.factor).toBe(5);
    expect(flat.settled).toBeLessThanOrEqual(steep.settled);
    expect(steep.settled).toBeLessThanOrEqual(Math.ceil((2 / 3) * 80)); // of the steps
    model.dispose();
  });

  it('shares a budget out by the curvature', async () => {
    const model = tinyBert();
    const { plan, layers, meanBits } = await trainMoq(model, tokenTexts(16), { epochs: 3, batchSize: 8, loss: logits, target: { meanBits: 5 }, curvature, only }); // prettier-ignore
    expect(meanBits).toBeLessThanOrEqual(5);
    expect(meanBits).toBeGreaterThan(3);
    expect(new Set(plan.map(({ bits }) => bits)).size).toBeGreaterThan(1);
    expect(layers.map(({ grid }) => grid.bits)).toEqual(plan.map(({ bits }) => bits));
    model.dispose();
  });

  it('goes on after an abort with the plan that it had, to the same bits', async () => {
    const data = tokenTexts(32);
    const options = { epochs: 2, batchSize: 8, loss: logits, target: { meanBits: 5 }, start: 8, seed: 4, curvature, only } as const; // prettier-ignore
    const whole = tinyBert();
    const expected = await trainMoq(whole, data, options);
    const cut = tinyBert();
    const controller = new AbortController();
    let kept: Snapshot | undefined;
    const checkpoint: SnapshotStore = {
      read: () => Promise.resolve(kept),
      write(snapshot) {
        kept = structuredClone(snapshot);
        return Promise.resolve();
      },
      remove() {
        kept = undefined;
        return Promise.resolve();
      },
    };
    const progress = ({ stage, done }: { stage: string; done: number }) => {
      if (stage === 'train' && done === 5) controller.abort();
    };
    await expect(trainMoq(cut, data, { ...options, checkpoint, signal: controller.signal, progress })).rejects.toMatchObject({ code: 'aborted' }); // prettier-ignore
    const found = await trainMoq(cut, data, { ...options, checkpoint }); // its weights have moved on: so would the curvature
    expect(found.plan).toEqual(expected.plan);
    expect((await saveWeights(cut)).arrays).toEqual((await saveWeights(whole)).arrays);
    expect(kept).toBeUndefined();
    for (const model of [whole, cut]) model.dispose();
  });

  it('refuses targets that cannot be stored or reached, and leaves the model as it was', async () => {
    const model = tinyMlp();
    const data = points(16);
    const before = await saveWeights(model);
    const run = { epochs: 1, batchSize: 4, curvature: false } as const;
    await expect(trainMoq(model, data, { ...run, target: 5 as 4 })).rejects.toThrow('target must be');
    await expect(trainMoq(model, data, { ...run, target: 8, start: 4 })).rejects.toThrow('at most start');
    await expect(trainMoq(model, data, { ...run, target: 2, start: 17 })).rejects.toThrow('start must be');
    await expect(trainMoq(model, data, { ...run, target: { meanBits: 5 } })).rejects.toThrow(
      'needs the curvature',
    );
    await expect(trainMoq(model, data, { ...run, target: 4, period: 4 })).rejects.toThrow('Train longer');
    await expect(trainMoq(model, data, { ...run, target: 4, only: () => false })).rejects.toMatchObject({ code: 'nothing-changed' }); // prettier-ignore
    const tight = { epochs: 1, batchSize: 4, curvature, target: { meanBits: 3, choices: [8, 4] } } as const;
    await expect(trainMoq(model, data, tight)).rejects.toThrow('budget must be at least');
    expect(await saveWeights(model)).toEqual(before);
    model.dispose();
  });
});
