import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { dispose, memory, tidy, type LayersModel, type Tensor } from '@tensorflow/tfjs';
import { readSafetensors } from '@ockham/core/files';
import { describe, expect, it } from 'vitest';
import { encodeAdapter, mergeLora } from '../src/index.ts';
import { loadAdapter } from '../src/index.node.ts';
import { adaptOurs, fixtures, inputOf, loadBase, namingOf, ours, type BaseName } from './peft-models.ts';

interface Logits {
  readonly base: number[][];
  readonly adapted: number[][];
}

const logitsOf = async (folder: string): Promise<Logits> =>
  JSON.parse(await readFile(new URL(`${folder}/logits.json`, fixtures), 'utf8')) as Logits;

const predict = (model: LayersModel, x: Tensor): number[] =>
  tidy(() => [...(model.predict(x) as Tensor).dataSync()]);

/** Largest distance from PyTorch's logits. */
const distance = (found: readonly number[], wanted: readonly number[][]): number =>
  found.reduce((most, value, i) => Math.max(most, Math.abs(value - wanted.flat()[i]!)), 0);

const withNaming = (name: BaseName) => {
  const naming = namingOf(name);
  return naming ? { naming } : {};
};

describe('an adapter that PEFT wrote', () => {
  it.each([
    ['texts-lora', 'texts'],
    ['texts-dora', 'texts'],
    ['images-rslora', 'images'],
    ['bert-query-value', 'bert'],
  ] as const)('%s gives its logits, merged too', async (folder, name) => {
    const base = await loadBase(name);
    const x = await inputOf(name);
    const wanted = await logitsOf(`written/${folder}`);
    const start = memory().numTensors;
    expect(distance(predict(base, x), wanted.base)).toBeLessThan(1e-4);
    const path = fileURLToPath(new URL(`written/${folder}`, fixtures));
    const adapted = await loadAdapter(base, path, withNaming(name));
    const found = predict(adapted, x);
    expect(distance(found, wanted.adapted)).toBeLessThan(1e-4);
    expect(distance(found, wanted.base)).toBeGreaterThan(0.1);
    expect(distance(predict(mergeLora(adapted), x), wanted.adapted)).toBeLessThan(1e-4);
    adapted.dispose();
    expect(memory().numTensors).toBe(start);
    base.dispose();
    dispose(x);
  });
});

describe('an adapter that PEFT read', () => {
  it.each(Object.entries(ours))(
    '%s gives PyTorch’s logits, and is what is written today',
    async (folder, [name, options]) => {
      const base = await loadBase(name);
      const x = await inputOf(name);
      const wanted = await logitsOf(`ours/${folder}`);
      const adapted = adaptOurs(base, options);
      expect(distance(predict(adapted, x), wanted.adapted)).toBeLessThan(1e-4);
      expect(distance(predict(adapted, x), wanted.base)).toBeGreaterThan(0.1);

      const { bytes, config } = await encodeAdapter(adapted, withNaming(name));
      const path = new URL(`ours/${folder}/`, fixtures);
      expect(config).toEqual(JSON.parse(await readFile(new URL('adapter_config.json', path), 'utf8')));
      const committed = readSafetensors(await readFile(new URL('adapter_model.safetensors', path)));
      const today = readSafetensors(bytes);
      expect([...today.keys()]).toEqual([...committed.keys()]);
      for (const [key, { shape, values }] of today) {
        const was = committed.get(key)!;
        expect(shape).toEqual(was.shape);
        for (let i = 0; i < values.length; i++) expect(values[i]).toBeCloseTo(was.values[i] as number, 5);
      }

      const again = await loadAdapter(
        await loadBase(name),
        fileURLToPath(path).replace(/\/$/, ''),
        withNaming(name),
      );
      expect(distance(predict(again, x), wanted.adapted)).toBeLessThan(1e-4);
    },
  );
});
