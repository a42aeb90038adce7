import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  add,
  layers,
  memory,
  mul,
  sequential,
  sub,
  tensor,
  tidy,
  type LayersModel,
  type Tensor,
} from '@tensorflow/tfjs';
import { ArgumentError, DataError } from '@ockham/core';
import { readSafetensors, writeSafetensors } from '@ockham/core/files';
import { bert } from '@ockham/core/models';
import { Random } from '@ockham/core/random';
import { train, trainableVariables } from '@ockham/core/training';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import {
  addAdapter,
  applyLora,
  bakeLora,
  decodeAdapter,
  encodeAdapter,
  installAdapter,
  listAdapters,
  loraReport,
  mergeLora,
  removeAdapter,
  scaleLora,
  setAdapters,
  unmergeLora,
  type LoraOptions,
} from '../src/index.ts';
import { loadAdapter, saveAdapter } from '../src/index.node.ts';

const noise = (model: LayersModel, seed: number): LayersModel => {
  const random = new Random(seed);
  for (const variable of trainableVariables(model)) {
    const values = Float32Array.from({ length: variable.size }, () => random.normal(0, 0.3));
    tidy(() => variable.assign(add(variable, tensor(values, variable.shape))));
  }
  return model;
};

const mlp = (seed = 1): LayersModel =>
  noise(
    sequential({
      name: 'mlp',
      layers: [
        layers.dense({
          name: 'first',
          inputShape: [6],
          units: 8,
          activation: 'tanh',
          kernelInitializer: 'zeros',
        }),
        layers.dense({ name: 'last', units: 3, kernelInitializer: 'zeros' }),
      ],
    }),
    seed,
  );

const random = new Random(8);
const x = tensor(
  Float32Array.from({ length: 30 }, () => random.normal()),
  [5, 6],
);
afterAll(() => x.dispose());

const predict = (model: LayersModel, on: Tensor = x): number[] =>
  tidy(() => [...(model.predict(on) as Tensor).dataSync()]);
const bits = (model: LayersModel): string =>
  model.weights
    .map((w) => new Uint32Array((w.read().dataSync() as Float32Array).slice().buffer).join())
    .join('|');
const farthest = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

const both: LoraOptions = { rank: 2, alpha: 4, targets: ['first', 'last'] };

describe('mergeLora', () => {
  it.each([
    ['one head', both],
    ['heads', { ...both, heads: 2 }],
    ['DoRA', { ...both, dora: true }],
    ['PiSSA', { ...both, init: 'pissa' }],
    ['a layer that trains whole', { rank: 2, targets: 'first', trainable: 'last' }],
  ] as [string, LoraOptions][])(
    'gives the same outputs with %s, and unmerging the base bit for bit',
    async (_, options) => {
      const base = mlp();
      const before = bits(base);
      const adapted = noise(applyLora(base, options), 4);
      const own = bits(adapted);
      const wanted = predict(adapted);
      const start = memory().numTensors;
      expect(mergeLora(adapted)).toBe(adapted);
      expect(farthest(predict(adapted), wanted)).toBeLessThan(1e-6);
      expect(bits(base)).toBe(before);
      expect(trainableVariables(adapted)).toEqual([]);
      expect(() => mergeLora(adapted)).toThrow(/merging twice/);
      unmergeLora(adapted);
      expect(memory().numTensors).toBe(start);
      expect(bits(adapted)).toBe(own);
      expect(predict(adapted)).toEqual(wanted);
      expect(() => unmergeLora(adapted)).toThrow(/nothing is merged/);
      const plain = await bakeLora(adapted);
      expect(plain.layers.map((layer) => layer.getClassName())).toEqual(['Dense', 'Dense']);
      expect(farthest(predict(plain), wanted)).toBeLessThan(1e-6);
      expect(bits(base)).toBe(before);
      mergeLora(adapted); // disposing of a merged model frees its kernels too
      for (const model of [plain, adapted, base]) model.dispose();
      expect(memory().numTensors).toBe(1);
    },
  );

  it('gives the same logits of a BERT with attention adapted', () => {
    const base = bert({
      layers: 2,
      hidden: 32,
      heads: 2,
      vocabulary: 40,
      positions: 12,
      length: 12,
      output: 'logits',
    });
    const ids = tensor(
      Int32Array.from({ length: 48 }, () => 1 + random.integer(39)),
      [4, 12],
      'int32',
    );
    const adapted = noise(applyLora(base, { rank: 4, alpha: 8, targets: /query|value/ }), 2);
    const wanted = predict(adapted, ids);
    expect(farthest(predict(mergeLora(adapted), ids), wanted)).toBeLessThan(1e-6);
    adapted.dispose();
    base.dispose();
    ids.dispose();
  });

  it('refuses a model without adapters in use, and to change or train what is merged', async () => {
    const base = mlp();
    expect(() => mergeLora(base)).toThrow(/needs a model that applyLora made/);
    const adapted = applyLora(base, both);
    setAdapters(adapted, {});
    expect(() => mergeLora(adapted)).toThrow(/no adapter is in use/);
    setAdapters(adapted, 'default');
    mergeLora(adapted);
    for (const change of [
      () => setAdapters(adapted, 'default'),
      () => scaleLora(adapted, 2),
      () => addAdapter(adapted, 'other'),
      () => removeAdapter(adapted, 'default'),
    ]) {
      expect(change).toThrow(/merged into the kernels. Call unmergeLora first/);
    }
    await expect(bakeLora(adapted)).rejects.toThrow(/unmergeLora/);
    const data = {
      size: 1,
      x: { values: new Float32Array(6), shape: [6] },
      y: { values: new Int32Array(1), shape: [] },
    };
    await expect(train(adapted, data, { epochs: 1 })).rejects.toThrow(/no trainable weights/);
    adapted.dispose();
    base.dispose();
  });
});

describe('several adapters', () => {
  /** Two adapters on one base, and their outputs alone. */
  function pair(options: LoraOptions = both) {
    const base = mlp();
    const plain = predict(base);
    const adapted = noise(applyLora(base, { ...options, name: 'one' }), 4);
    const one = predict(adapted);
    addAdapter(adapted, 'two', { rank: 1, seed: 3 });
    noise(adapted, 5);
    const two = predict(adapted);
    return { base, adapted, plain, one, two };
  }

  it('are switched without touching one another', () => {
    const { base, adapted, plain, one, two } = pair();
    expect(listAdapters(adapted).map(({ name, strength }) => [name, strength])).toEqual([
      ['one', 0],
      ['two', 1],
    ]);
    setAdapters(adapted, 'one');
    expect(predict(adapted)).toEqual(one);
    setAdapters(adapted, 'two');
    expect(predict(adapted)).toEqual(two);
    setAdapters(adapted, {});
    expect(predict(adapted)).toEqual(plain);
    expect(farthest(one, two)).toBeGreaterThan(0.01);
    expect(loraReport(adapted, 'one').trainable).toBe(2 * (6 + 8) + 2 * (8 + 3));
    expect(loraReport(adapted).trainable).toBe(6 + 8 + 8 + 3);
    expect(loraReport(adapted).allAdapterBytes).toBe(4 * (50 + 25));
    adapted.dispose();
    base.dispose();
  });

  it('mix by weights on a linear layer as their changes add up', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -2, max: 2, noNaN: true }),
        fc.double({ min: -2, max: 2, noNaN: true }),
        (p, q) => {
          const { base, adapted, plain, one, two } = pair({ ...both, targets: 'last' });
          setAdapters(adapted, { one: p, two: q });
          const mixed = predict(adapted);
          const wanted = plain.map((value, i) => value + p * (one[i]! - value) + q * (two[i]! - value));
          expect(farthest(mixed, wanted)).toBeLessThan(1e-5);
          if (p !== 0 || q !== 0) expect(farthest(predict(mergeLora(adapted)), mixed)).toBeLessThan(1e-5);
          adapted.dispose();
          base.dispose();
        },
      ),
      { numRuns: 10, seed: 4 },
    );
  });

  it('mix whole layers by their distance from the base’s', () => {
    const { base, adapted, plain, one, two } = pair({ rank: 1, targets: 'first', trainable: 'last' });
    const kernels = (model: LayersModel) => model.getLayer('last').getWeights()[0]!;
    const w0 = kernels(base);
    setAdapters(adapted, 'one');
    const w1 = kernels(adapted).clone();
    expect(predict(adapted)).toEqual(one);
    setAdapters(adapted, 'two');
    expect(predict(adapted)).toEqual(two);
    const wanted = tidy(() => [
      ...add(w0, add(mul(sub(w1, w0), 0.25), mul(sub(kernels(adapted), w0), 0.5))).dataSync(),
    ]);
    setAdapters(adapted, { one: 0.25, two: 0.5 });
    expect(farthest([...kernels(adapted).dataSync()], wanted)).toBeLessThan(1e-6);
    setAdapters(adapted, {});
    expect(predict(adapted)).toEqual(plain);
    expect(trainableVariables(adapted)).toEqual([]);
    w1.dispose();
    adapted.dispose();
    base.dispose();
  });

  it('scale: by 0 the base, by −1 and −1 again what was', () => {
    const { base, adapted, two, plain } = pair();
    scaleLora(adapted, -1);
    expect(predict(adapted)).not.toEqual(two);
    scaleLora(adapted, -1);
    expect(predict(adapted)).toEqual(two);
    scaleLora(adapted, 0);
    expect(predict(adapted)).toEqual(plain);
    adapted.dispose();
    base.dispose();
  });

  it('train alone: the one in use moves, the other stays', async () => {
    const { base, adapted, one } = pair();
    const data = {
      size: 5,
      x: { values: x.dataSync() as Float32Array, shape: [6] },
      y: { values: Int32Array.from([0, 1, 2, 0, 1]), shape: [] },
    };
    await train(adapted, data, { epochs: 2, loss: 'crossEntropyFromLogits' });
    setAdapters(adapted, 'one');
    expect(predict(adapted)).toEqual(one);
    adapted.dispose();
    base.dispose();
  });

  it('are removed with their tensors, and refused by wrong names', () => {
    const { base, adapted, one } = pair({ rank: 1, targets: 'first', trainable: 'last' });
    const start = memory().numTensors;
    removeAdapter(adapted, 'two');
    expect(memory().numTensors).toBe(start - 2 - 2 + 2); // A, B and a copy of two weights; the base's mix is shown
    setAdapters(adapted, 'one');
    expect(predict(adapted)).toEqual(one);
    expect(() => setAdapters(adapted, 'two')).toThrow(/no adapter is called two. There are: one\./);
    expect(() => setAdapters(adapted, { one: NaN })).toThrow(/must be a finite number/);
    expect(() => addAdapter(adapted, 'one')).toThrow(/one is taken/);
    expect(() => addAdapter(adapted, 'two', { rank: 7 })).toThrow(/\[1, 6\] for first/);
    adapted.dispose();
    base.dispose();
  });
});

describe('an adapter file', () => {
  const encode = async (base: LayersModel, options: LoraOptions = both) => {
    const adapted = noise(applyLora(base, options), 4);
    const { bytes } = await encodeAdapter(adapted);
    const wanted = predict(adapted);
    adapted.dispose();
    return { bytes, wanted };
  };

  it('gives an adapter back to the bit, into an adapted model and onto the base', async () => {
    for (const options of [both, { ...both, dora: true }, { rank: 2, targets: 'first', trainable: 'last' }]) {
      const base = mlp();
      const { bytes, wanted } = await encode(base, options);
      const onBase = await installAdapter(base, decodeAdapter(bytes));
      expect(predict(onBase)).toEqual(wanted);
      const adapted = applyLora(base, { ...options, rank: 1, seed: 9 });
      const start = memory().numTensors;
      expect(await installAdapter(adapted, decodeAdapter(bytes))).toBe(adapted);
      expect(memory().numTensors).toBe(start);
      expect(predict(adapted)).toEqual(wanted);
      await installAdapter(adapted, decodeAdapter(bytes), { name: 'second' });
      setAdapters(adapted, { default: 0.5, second: 0.5 });
      expect(farthest(predict(adapted), wanted)).toBeLessThan(1e-6);
      for (const model of [adapted, onBase, base]) model.dispose();
    }
  });

  it('is refused on another base: of other weights, of other shapes, with other names', async () => {
    const base = mlp();
    const { bytes, wanted } = await encode(base);
    const file = decodeAdapter(bytes);
    const other = mlp(2);
    await expect(installAdapter(other, file)).rejects.toThrow(
      /other weights of the same shapes\. The file was made on the base [0-9a-f]{12}…, this one is [0-9a-f]{12}…/,
    );
    const taken = await installAdapter(other, file, { anyBase: true });
    expect(predict(taken)).not.toEqual(wanted);
    const wide = sequential({
      layers: [
        layers.dense({ name: 'first', inputShape: [6], units: 9 }),
        layers.dense({ name: 'last', units: 3 }),
      ],
    });
    const start = memory().numTensors;
    await expect(installAdapter(wide, file, { anyBase: true })).rejects.toThrow(
      /made on the base .*2 problems: B of first must be \[9, 2\], got \[8, 2\]; A of last must be \[2, 9\], got \[2, 8\]/,
    );
    const renamed = sequential({ layers: [layers.dense({ name: 'only', inputShape: [6], units: 8 })] });
    await expect(installAdapter(renamed, file)).rejects.toThrow(
      /no layer is called first, last \(there are only;/,
    );
    const narrow = applyLora(base, { rank: 1, targets: 'last' });
    await expect(installAdapter(narrow, file)).rejects.toThrow(/no adapter at first: name them in targets/);
    renamed.dispose();
    narrow.dispose();
    expect(memory().numTensors).toBe(start);
    for (const model of [taken, other, wide, base]) model.dispose();
  });

  it('is refused with NaN, half a module, a wrong rank, no config, or the config of another method', async () => {
    const base = mlp();
    const { bytes } = await encode(base);
    const config = JSON.stringify(decodeAdapter(bytes).config);
    const changed = (edit: (arrays: ReturnType<typeof readSafetensors>) => void) => {
      const arrays = readSafetensors(bytes);
      edit(arrays);
      return writeSafetensors(arrays);
    };
    const key = 'base_model.model.first.lora_A.weight';
    const nan = changed((arrays) => (arrays.get(key)!.values[3] = NaN));
    await expect(installAdapter(base, decodeAdapter(nan, config))).rejects.toThrow(/first holds NaN/);
    expect(() =>
      decodeAdapter(
        changed((arrays) => arrays.delete(key)),
        config,
      ),
    ).toThrow(/first has one of them/);
    const rank = config.replace('"r":2', '"r":3');
    await expect(installAdapter(base, decodeAdapter(bytes, rank))).rejects.toThrow(
      /A of first must be \[3, 6\], got \[2, 6\]/,
    );
    expect(() => decodeAdapter(changed(() => undefined))).toThrow(DataError);
    expect(() => decodeAdapter(bytes, config.replace('LORA', 'IA3'))).toThrow(/peft_type LORA, got "IA3"/);
    expect(() => decodeAdapter(bytes, '{')).toThrow(/is no JSON/);
    expect(() => decodeAdapter(bytes.subarray(0, 100))).toThrow(DataError);
    await expect(encodeAdapter(base)).rejects.toThrow(ArgumentError);
    base.dispose();
  });

  it('is saved and loaded as one file, and as a folder of PEFT', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'adapter-'));
    const base = mlp();
    const adapted = noise(applyLora(base, both), 4);
    const wanted = predict(adapted);
    for (const path of [join(folder, 'a.safetensors'), join(folder, 'peft')]) {
      await saveAdapter(adapted, path);
      const again = await loadAdapter(base, path);
      expect(predict(again)).toEqual(wanted);
      again.dispose();
    }
    const config = JSON.parse(await readFile(join(folder, 'peft', 'adapter_config.json'), 'utf8')) as object;
    expect(config).toMatchObject({
      peft_type: 'LORA',
      r: 2,
      lora_alpha: 4,
      target_modules: ['first', 'last'],
    });
    await expect(loadAdapter(base, join(folder, 'lost.safetensors'))).rejects.toThrow(/cannot be read/);
    await writeFile(join(folder, 'bad.safetensors'), new Uint8Array(40));
    await expect(loadAdapter(base, join(folder, 'bad.safetensors'))).rejects.toThrow(DataError);
    await rm(folder, { recursive: true });
    adapted.dispose();
    base.dispose();
  });
});
