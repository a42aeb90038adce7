import '@tensorflow/tfjs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryStore } from '@ockham/core/files';
import { mlp } from '@ockham/core/models';
import { Random } from '@ockham/core/random';
import { coldStart as coldStartInNode } from '@ockham/cssl/node';
import { describe, expect, it } from 'vitest';
import { image, stream } from './row-images.ts';
import { keepUntilEnd, network, settings, start, valuesOf } from './row-learners.ts';

describe('saving', () => {
  const options = {
    ...settings,
    augment: ['crop-flip', 'mixup'],
    optimizer: 'momentum',
    learningRate: 0.03,
    replay: { capacity: 12, batch: 5, sample: 'loss-weighted', codec: 'quantise(4)' },
  } as const;

  it.each([
    ['momentum', 'fixed'],
    ['adam', 'fixed'],
    ['sgd', 'adaptive'],
    ['sgd', 'polyak'],
    ['sgd', 'line-search'],
  ] as const)('goes on to the bit, buffer included, with %s and the %s step', async (optimizer, step) => {
    const examples = stream([0, 1, 2, 3], 8);
    const all = { ...options, optimizer, step };
    const whole = start(network(3, 0.3), all);
    await whole.fit(examples);

    const store = memoryStore();
    const first = start(network(3, 0.3), all);
    await first.fit(examples.slice(0, 13));
    await first.save(store);
    const second = start(network(77, 0.3), all); // its own weights are replaced
    expect(await second.load(store)).toEqual({ lost: [] });
    await second.fit(examples.slice(13));

    expect(await valuesOf(second)).toEqual(await valuesOf(whole));
    expect(second.counters).toEqual(whole.counters);
    const { records, arrays } = whole.buffer.save();
    expect(second.buffer.save()).toMatchObject({ records, arrays });
  });

  it('writes a file in Node; a damaged record is reported, and the rest loads', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ockham-'));
    const path = join(folder, 'learner.ockham');
    try {
      const learner = keepUntilEnd(coldStartInNode(network(), options));
      await learner.fit(stream([0, 1], 10));
      await learner.save(path);
      const bytes = await readFile(path);
      bytes[bytes.length - 1]! ^= 1; // the last record
      await writeFile(path, bytes);
      const again = keepUntilEnd(coldStartInNode(network(), options));
      const { lost } = await again.load(path);
      expect(lost).toHaveLength(1);
      expect(again.buffer.size).toBe(learner.buffer.size - 1);
      expect(await valuesOf(again)).toEqual(await valuesOf(learner));
      bytes[40]! ^= 1; // the description
      await writeFile(path, bytes);
      await expect(again.load(path)).rejects.toMatchObject({ code: 'corrupt-file' });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('is done by fit on the way: every so many steps, when the signal fires, and at the end', async () => {
    const written: number[] = [];
    const { read, remove, write } = memoryStore();
    const store = {
      read,
      remove,
      write: async (saved: Parameters<typeof write>[0]) => {
        written.push((saved.meta['counters'] as { examples: number }).examples);
        await write(saved);
      },
    };
    const learner = start(network(), options);
    await learner.fit(stream([0, 1], 5), { checkpoint: store, snapshotEvery: 4 });
    expect(written).toEqual([4, 8, 10]);
    const controller = new AbortController();
    const onStep = () => {
      if (learner.counters.steps === 13) controller.abort();
    };
    const stopped = learner.fit(stream([0, 1], 5), { checkpoint: store, onStep, signal: controller.signal });
    await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
    expect(written).toEqual([4, 8, 10, 13]);
    const again = start(network(9), options);
    await again.load(store);
    expect(again.counters).toEqual(learner.counters);
    expect(await valuesOf(again)).toEqual(await valuesOf(learner));
  });

  it('does all that at once with the paper’s pipeline and JPEG records', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ockham-'));
    try {
      const learner = keepUntilEnd(
        coldStartInNode(network(), {
          replay: { capacity: 2_000, batch: 31, codec: 'jpeg' },
          augment: ['crop-flip', 'mixup', 'cutmix', 'autoaugment'],
          seed: 1,
        }),
      );
      for (const item of stream([0, 1, 2], 20)) await learner.observe(item);
      const { labels } = await learner.predict(image(0, new Random(2)));
      expect([0, 1, 2]).toContain(labels[0]);
      await learner.save(join(folder, 'learner.ockham'));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('refuses what belongs to other options, another model, or nobody, and stays as it was', async () => {
    const store = memoryStore();
    const learner = start(network());
    await expect(learner.load(store)).rejects.toThrow('there is nothing to load');
    await learner.fit(stream([0, 1], 3));
    await learner.save(store);
    for (const options of [{ seed: 6 }, { replay: { capacity: 41, batch: 7 } }]) {
      await expect(start(network(), options).load(store)).rejects.toMatchObject({
        code: 'checkpoint-mismatch',
      });
    }
    const wider = keepUntilEnd(mlp({ inputShape: [4, 4, 1], units: [17], classes: 10, seed: 3 }));
    const other = start(wider);
    await other.fit(stream([5], 3));
    const before = await valuesOf(other);
    await expect(other.load(store)).rejects.toMatchObject({ code: 'checkpoint-mismatch' });
    expect(await valuesOf(other)).toEqual(before);
    await store.write({ meta: { kind: 'else' }, arrays: {} });
    await expect(learner.load(store)).rejects.toThrow('must be a learner\'s, got "else"');
    await expect(learner.save('name')).rejects.toMatchObject({ code: 'storage-failed' }); // no IndexedDB here
  });
});
