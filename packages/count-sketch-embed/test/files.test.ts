import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { Random } from '@ockham/core/random';
import fc from 'fast-check';
import { build } from 'vite';
import { describe, expect, it } from 'vitest';
import { decodeTable, encodeTable, vocabularyPrint } from '../src/files/index.ts';
import { openTable } from '../src/files/reader.ts';
import { loadTable, saveTable } from '../src/files/table-file.node.ts';
import { fitTable, type TableForm } from '../src/fit/index.ts';
import { CountSketchEmbedding, type CompressedEmbedding, type Signs } from '../src/layers/index.ts';

const [V, D] = [90, 6];
const ids = Int32Array.from({ length: V }, (_, x) => x);
const fitted = (form: TableForm, seed = 1): CompressedEmbedding => {
  const random = new Random(seed);
  const values = Float32Array.from({ length: V * D }, () => random.normal());
  const frequencies = Float64Array.from(ids, (x) => 100 / (x + 1));
  return fitTable({ values, vocabulary: V, dimension: D }, form, { frequencies, seed, iterations: 3 }).layer;
};
const forms: readonly TableForm[] = [
  { method: 'int8' },
  { method: 'product-quantisation', parts: 3, centroids: 16 },
  { method: 'count-sketch', rows: 7, hashes: 3, heavyHitters: 5 },
  { method: 'count-sketch', rows: 7, hashes: 4, estimator: 'median-of-means', signs: false },
  { method: 'count-sketch', rows: 7, hashes: 2, estimator: 'mean' },
  { method: 'nano', inner: 2 },
  { method: 'quotient-remainder', buckets: 9 },
  { method: 'quotient-remainder', buckets: 9, combine: 'add' },
  { method: 'quotient-remainder', buckets: 9, combine: 'concatenate' },
  { method: 'hash', rows: 7, signs: true, heavyHitters: 2 },
  { method: 'hash', rows: 7, signs: 'coordinate', heavyHitters: 2 },
  { method: 'count-sketch', rows: 7, hashes: 4, estimator: 'median-of-means', signs: 'coordinate' },
];
const sketch = forms[2]!;
const words = Array.from(ids, (x) => `w${x}`);
/** Those that the reader does not open. */
const layerForms: readonly TableForm[] = [
  { method: 'robe', size: 70, block: 2 },
  {
    method: 'mixed-dimension',
    blocks: [
      { tokens: 10, width: 6 },
      { tokens: 80, width: 2 },
    ],
  },
  { method: 'tensor-train', ranks: [2, 3] },
  { method: 'nano', inner: 2, hidden: 3 },
  { method: 'eelbert', words, project: true },
];

const dataBytes = (bytes: Uint8Array) =>
  bytes.length - 8 - Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));

describe('a saved table', () => {
  it.each(layerForms)(
    'comes back as the layer that it was, with storedBytes after its header: %o',
    (form) => {
      const layer = fitted(form);
      const bytes = encodeTable(layer);
      expect(dataBytes(bytes)).toBe(layer.storedBytes);
      const again = decodeTable(bytes, { vocabulary: V, words });
      expect([...again.rowsOf(ids)]).toEqual([...layer.rowsOf(ids)]);
      expect(again.getConfig()).toEqual(layer.getConfig());
      if (form.method === 'eelbert') expect(() => decodeTable(bytes)).toThrow(/Pass the tokeniser's words/);
    },
  );

  it.each(forms)(
    'has storedBytes after its header and gives its rows back, to layer and reader: %o',
    (form) => {
      const before = tf.memory().numTensors;
      const layer = fitted(form);
      const bytes = encodeTable(layer);
      expect(dataBytes(bytes)).toBe(layer.storedBytes);
      const rows = [...layer.rowsOf(ids)];
      const again = decodeTable(bytes, { vocabulary: V, dimension: D });
      expect([...again.rowsOf(ids)]).toEqual(rows);
      expect(again.getConfig()).toEqual(layer.getConfig());
      const opened = openTable(bytes, V).rowsOf(ids);
      rows.forEach((value, k) => expect(opened[k]).toBeCloseTo(value, 6));
      layer.dispose();
      again.dispose();
      expect(tf.memory().numTensors).toBe(before);
    },
  );

  it('opens in the reader with the hashes of any seed and size', () => {
    const estimators = fc.constantFrom('median' as const, 'mean' as const, 'median-of-means' as const);
    fc.assert(
      fc.property(
        estimators,
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer(),
        fc.constantFrom<Signs>(false, true, 'coordinate'),
        fc.integer({ min: 1, max: 70 }),
        (estimator, hashes, rows, seed, signs, dimension) => {
          const layer = new CountSketchEmbedding({
            vocabulary: V,
            dimension,
            estimator,
            hashes,
            rows,
            seed,
            signs,
          });
          layer.apply(tf.input({ shape: [null], dtype: 'int32' }));
          const opened = openTable(encodeTable(layer)).rowsOf([89, 0, 41]);
          layer.rowsOf([89, 0, 41]).forEach((value, k) => expect(opened[k]).toBeCloseTo(value, 5));
          layer.dispose();
        },
      ),
      { numRuns: 25 },
    );
  });

  it('takes as many bytes on disk as the report says', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'table-'));
    const path = join(folder, 'words.safetensors');
    for (const form of forms) {
      const { layer, report } = fitTable(
        { values: new Float32Array(V * D), vocabulary: V, dimension: D },
        form,
        {
          frequencies: new Float64Array(V),
        },
      );
      expect(await saveTable(layer, path)).toBe(report.fileBytes);
      expect((await stat(path)).size).toBe(report.fileBytes);
      expect(report.bytes).toBe(layer.storedBytes);
      const again = await loadTable(path, { name: 'other' });
      expect(again.name).toBe('other');
    }
    await rm(folder, { recursive: true });
    await expect(loadTable(path)).rejects.toThrow(/cannot be read/);
  });

  it('refuses another vocabulary, by size and by words', async () => {
    const print = await vocabularyPrint(['a', 'b']);
    const bytes = encodeTable(fitted(sketch), { print });
    expect(() => decodeTable(bytes, { vocabulary: 91 })).toThrow(/vocabulary = 91, got 90/);
    expect(() => decodeTable(bytes, { dimension: 7 })).toThrow(/dimension = 7, got 6/);
    expect(() => openTable(bytes, 91)).toThrow(/it has 90 tokens, not 91/);
    const other = await vocabularyPrint(['b', 'a']);
    expect(() => decodeTable(bytes, { print: other })).toThrow(/must be of the vocabulary/);
    expect(() => decodeTable(encodeTable(fitted(sketch)), { print })).toThrow(/one of no print/);
    expect(decodeTable(bytes, { print }).vocabulary).toBe(V);
  });

  it('refuses files that are cut, foreign or of an unknown class', () => {
    const bytes = encodeTable(fitted(sketch));
    for (const length of [0, 7, 100, bytes.length - 1]) {
      expect(() => decodeTable(bytes.subarray(0, length))).toThrow();
      expect(() => openTable(bytes.subarray(0, length))).toThrow(/cut short/);
    }
    const text = (from: string, to: string) =>
      new Uint8Array(Buffer.from(Buffer.from(bytes).toString('latin1').replace(from, to), 'latin1'));
    const foreign = text('ockham-embedding-1', 'ockham-embedding-9');
    expect(() => decodeTable(foreign)).toThrow(/must say format ockham-embedding-1, got ockham-embedding-9/);
    expect(() => openTable(foreign)).toThrow(/no table of ours/);
    const unknown = text('CountSketchEmbedding', 'CountSketchEmbeddinG');
    expect(() => decodeTable(unknown)).toThrow(/that is registered, got CountSketchEmbeddinG/);
    expect(() => openTable(unknown)).toThrow(/no reader for CountSketchEmbeddinG/);
  });

  it('refuses an id that the table does not have, in the reader', () => {
    const table = openTable(encodeTable(fitted(sketch)));
    for (const id of [-1, V, 1.5, NaN]) expect(() => table.rowsOf([0, id])).toThrow(/\[0, 90\), got .* at 1/);
  });

  it('shows a NaN of the table in the vectors that layer, rowsOf and reader give', () => {
    const layer = fitted(sketch);
    const values = tf.tidy(() => layer.weights[0]!.read().dataSync().slice());
    values[4 * D + 2] = NaN; // of a row of the first hash
    tf.tidy(() => void layer.weights[0]!.write(tf.tensor(values, [values.length / D, D])));
    const rows = layer.rowsOf(ids);
    const lost = [...rows].map(Number.isNaN);
    expect(lost.filter(Boolean).length).toBeGreaterThan(1);
    expect(lost.every((is, at) => !is || at % D === 2)).toBe(true);
    const called = tf.tidy(() => (layer.apply(tf.tensor1d(ids, 'int32')) as tf.Tensor).dataSync());
    expect([...called].map(Number.isNaN)).toEqual(lost);
    expect([...openTable(encodeTable(layer)).rowsOf(ids)].map(Number.isNaN)).toEqual(lost);
    layer.dispose();
  });

  it('has a reader of 3 kB at most, minified and with all that it imports', async () => {
    const entry = new URL('../src/files/reader.ts', import.meta.url).pathname;
    const output = await build({
      configFile: false,
      logLevel: 'silent',
      build: {
        write: false,
        lib: { entry, formats: ['es'], fileName: 'reader' },
        rolldownOptions: { output: { minify: true } },
      },
    });
    const [chunk] = (output as { output: { code: string }[] }[])[0]!.output;
    expect(chunk!.code.length).toBeGreaterThan(500);
    expect(Buffer.byteLength(chunk!.code)).toBeLessThanOrEqual(3000);
    const module = (await import(
      /* @vite-ignore */ `data:text/javascript;base64,${Buffer.from(chunk!.code).toString('base64')}`
    )) as { openTable: typeof openTable };
    const layer = fitted(sketch);
    const rows = module.openTable(encodeTable(layer)).rowsOf([3, 88]);
    layer.rowsOf([3, 88]).forEach((value, k) => expect(rows[k]).toBeCloseTo(value, 6));
  });
});
