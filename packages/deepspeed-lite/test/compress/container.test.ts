import { layers, memory, sequential, tensor, tidy, type LayersModel, type Tensor } from '@tensorflow/tfjs';
import { ArgumentError, DataError, UnsupportedModelError } from '@ockham/core';
import { readSafetensors, readSafetensorsMetadata, sha256 } from '@ockham/core/files';
import { bert, gpt } from '@ockham/core/models';
import { Random } from '@ockham/core/random';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withSparseAttention } from '../../src/attention/index.ts';
import {
  compress,
  decodeCompressed,
  encodeCompressed,
  exportLayersModel,
  type GridBits,
} from '../../src/compress/index.ts';
import { loadCompressed, saveCompressed } from '../../src/index.node.ts';
import { clouds, convolutionNetwork, denseNetwork, encoder, images, texts } from './models.ts';

const predict = (model: LayersModel, values: Float32Array | Int32Array, shape: number[]) =>
  tidy(() => {
    const x = tensor(values, shape, values instanceof Int32Array ? 'int32' : 'float32');
    return (model.apply(x, { training: false }) as Tensor).dataSync<'float32'>();
  });

/** Replaces a text of the header and makes the checksum right again, as a writer of another version would. */
async function edited(bytes: Uint8Array, from: string, to: string): Promise<Uint8Array> {
  expect(to.length).toBe(from.length);
  const changed = bytes.slice();
  const at = Buffer.from(changed.buffer).indexOf(from);
  expect(at).toBeGreaterThan(0);
  changed.set(new TextEncoder().encode(to), at);
  return sealed(changed);
}

async function sealed(bytes: Uint8Array): Promise<Uint8Array> {
  const at = Buffer.from(bytes.buffer).indexOf('"sha256":"') + 10;
  bytes.fill(0x30, at, at + 64);
  bytes.set(new TextEncoder().encode(await sha256(bytes)), at);
  return bytes;
}

describe('a compressed file', () => {
  it.each([
    ['dense layers', denseNetwork, clouds(4, 64)],
    ['convolutions', convolutionNetwork, images(4)],
    ['an encoder', encoder, texts(4, 8, 200)],
  ] as const)('gives %s back to the bit, packed on disk and in memory', async (_, make, data) => {
    const model = make();
    const before = memory().numTensors;
    const { values, shape } = data.x;
    for (const [weights, symmetric] of [
      [8, true],
      [4, false],
      [3, true],
      ['ternary', true],
      ['binary', true],
      ['fp4-e2m1', true],
    ] as const) {
      const { model: small, report } = await compress(
        model,
        { train: data },
        {
          quantize: {
            weights,
            symmetric,
            group: 16,
            smallest: 0,
            ...(weights === 8 && { activations: 8, calibration: 'minmax' }),
          },
          lowRank: weights === 4 ? 2 : 0,
          report: false,
        },
      );
      const bytes = await encodeCompressed(small);
      expect(bytes.length).toBe(report.file.after);
      const again = await decodeCompressed(bytes);
      const given = [4, ...shape];
      expect(predict(again, values as Float32Array, given)).toEqual(
        predict(small, values as Float32Array, given),
      );
      expect(again.layers.map(({ name }) => name)).toEqual(model.layers.map(({ name }) => name));
      expect(await encodeCompressed(again)).toEqual(bytes);
      small.dispose();
      again.dispose();
    }
    expect(memory().numTensors).toBe(before);
    model.dispose();
  });

  it('opens with a decoder that attends by blocks, whose activation has two names and whose table is used twice', async () => {
    const sizes = { layers: 1, hidden: 32, heads: 2, vocabulary: 60, positions: 8, dropout: 0 };
    const dense = gpt({ ...sizes, length: 8, seed: 1 });
    const model = await withSparseAttention(dense, { kind: 'big-bird', block: 2, seed: 3 });
    const { size, x } = texts(4, 8, 60);
    const values = x.values as Int32Array;
    const { model: small, report } = await compress(
      model,
      { train: { size, x, y: { values, shape: [8] } } },
      {
        quantize: { weights: 4, smallest: 0 },
        loss: 'crossEntropyFromLogits',
        report: { latency: false, sensitivity: 0 },
      },
    );
    expect(report.comparison!.after.unknownFlops).toEqual([]);
    expect(report.comparison!.before.unknownFlops).toEqual([]);
    const bytes = await encodeCompressed(small);
    const again = await decodeCompressed(bytes);
    expect(predict(again, values, [4, 8])).toEqual(predict(small, values, [4, 8]));
    expect(await encodeCompressed(again)).toEqual(bytes);
    for (const each of [dense, model, small, again]) each.dispose();
  });

  it('keeps what half precision cannot hold in float32', async () => {
    const model = denseNetwork();
    const bias = model.getLayer('fc0').weights[1]!;
    const values = new Float32Array(48).fill(70_000.5);
    tidy(() => void bias.write(tensor(values)));
    const { model: small } = await compress(
      model,
      { train: clouds(2, 64) },
      { quantize: { weights: 8 }, report: false },
    );
    const again = await decodeCompressed(await encodeCompressed(small));
    expect(again.getLayer('fc0').weights[0]!.read().dataSync()).toEqual(values);
    for (const each of [model, small, again]) each.dispose();
  });

  it('is a safetensors file with the facts in its metadata', async () => {
    const { bytes } = await denseFile(4);
    const { format, version, sha256: checksum } = readSafetensorsMetadata(bytes);
    expect([format, version]).toEqual(['ockham-compressed', '1']);
    expect(checksum).toMatch(/^[0-9a-f]{64}$/);
    const arrays = readSafetensors(bytes);
    expect(arrays.get('fc0/kernel.codes')!.shape).toEqual([48, 32]);
    expect(arrays.get('fc0/kernel.scales')!.shape).toEqual([48, 1]);
    expect(arrays.get('fc0/bias')!.shape).toEqual([48]);
  });

  it('saves as an ordinary model of TensorFlow.js through model.save', async () => {
    const model = denseNetwork();
    const { model: small } = await compress(
      model,
      { train: clouds(2, 64) },
      { quantize: { weights: 4 }, report: false },
    );
    let specs: readonly { name: string; shape: readonly number[] }[] = [];
    await small.save({
      save: async ({ weightSpecs = [] }) => {
        specs = weightSpecs;
        return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
      },
    });
    expect(specs.map(({ shape }) => shape)).toEqual(model.weights.map(({ shape }) => shape));
    await expect(exportLayersModel(model)).rejects.toThrow(ArgumentError);
    await expect(encodeCompressed(model)).rejects.toThrow(/no packed weights/);
    small.dispose();
    model.dispose();
  });

  it('cannot be made from its topology alone', async () => {
    const model = denseNetwork();
    const { model: small } = await compress(
      model,
      { train: clouds(2, 64) },
      { quantize: { weights: 4 }, report: false },
    );
    const Class = small.getLayer('fc0').constructor as unknown as new (
      config: object,
    ) => ReturnType<typeof small.getLayer>;
    const layer = new Class(small.getLayer('fc0').getConfig());
    const bare = sequential({ layers: [layers.inputLayer({ inputShape: [64] }), layer] });
    expect(() => predict(bare, new Float32Array(64), [1, 64])).toThrow(UnsupportedModelError);
    for (const each of [model, small, bare]) each.dispose();
  });
});

async function denseFile(weights: GridBits): Promise<{ bytes: Uint8Array }> {
  const model = denseNetwork();
  const { model: small } = await compress(
    model,
    { train: clouds(2, 64) },
    { quantize: { weights }, report: false },
  );
  const bytes = await encodeCompressed(small);
  model.dispose();
  small.dispose();
  return { bytes };
}

describe('a file that is not whole', () => {
  let bytes: Uint8Array;
  let tensors: number;
  beforeAll(async () => {
    ({ bytes } = await denseFile('ternary'));
    tensors = memory().numTensors;
  });

  const refused = async (given: Uint8Array, code: string, message?: RegExp): Promise<void> => {
    const error: unknown = await decodeCompressed(given).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(DataError);
    expect((error as DataError).code).toBe(code);
    if (message) expect((error as DataError).message).toMatch(message);
    expect(memory().numTensors).toBe(tensors);
  };

  it('is refused whatever single bit is flipped, in the header, the codes, the checksum', async () => {
    const random = new Random(11);
    const places = Array.from({ length: 120 }, () => random.integer(bytes.length * 8));
    for (const bit of [0, 63, 64, 8 * 40, 8 * bytes.length - 1, ...places]) {
      const flipped = bytes.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      await refused(flipped, 'corrupt-file');
    }
  });

  it('is refused wherever it was cut off, and with bytes too many', async () => {
    for (const length of [0, 1, 7, 8, 100, 1000, bytes.length >> 1, bytes.length - 1])
      await refused(bytes.slice(0, length), 'corrupt-file');
    await refused(new Uint8Array([...bytes, 0]), 'corrupt-file');
  });

  it('is refused in an unknown version, and of another kind', async () => {
    await refused(
      await edited(bytes, '"version":"1"', '"version":"2"'),
      'checkpoint-mismatch',
      /of version 1, got 2/,
    );
    await refused(await edited(bytes, 'ockham-compressed', 'ockham-compresseD'), 'corrupt-file', /format/);
    await refused(
      new TextEncoder().encode('{"model": 1}'.repeat(50)),
      'corrupt-file',
      /no file of encodeCompressed/,
    );
  });

  it('is refused with a bit width out of range, a matrix that is missing or of another size', async () => {
    const whole = readSafetensors(bytes);
    const { gunzip, gzip, writeSafetensors } = await import('@ockham/core/files');
    const text = new TextDecoder().decode(await gunzip(whole.get('topology.json.gz')!.values as Uint8Array));
    const rewritten = async (topology: string, drop?: string) => {
      const arrays = new Map(whole);
      const zipped = await gzip(new TextEncoder().encode(topology));
      arrays.set('topology.json.gz', { shape: [zipped.length], values: zipped });
      if (drop !== undefined) arrays.delete(drop);
      const metadata = { format: 'ockham-compressed', version: '1', sha256: '0'.repeat(64) };
      return sealed(writeSafetensors(arrays, { float: 'F16', metadata }));
    };
    const again = await decodeCompressed(await rewritten(text));
    again.dispose();
    await refused(
      await rewritten(text.replace('"coding":"ternary"', '"coding":"int5"')),
      'corrupt-file',
      /coding must be one of .* got "int5"/,
    );
    await refused(
      await rewritten(text.replace('"coding":"ternary"', '"coding":"int8"')),
      'corrupt-file',
      /codes must be/,
    );
    await refused(await rewritten(text.replace('"outputs":48', '"outputs":-4')), 'corrupt-file', /outputs/);
    await refused(
      await rewritten(text.replace('"QuantizedDense"', '"QuantizedNothing"')),
      'corrupt-file',
      /not registered/,
    );
    await refused(await rewritten(text, 'fc1/kernel.scales'), 'corrupt-file', /fc1\/kernel is not complete/);
    await refused(await rewritten(text, 'fc1/bias'), 'corrupt-file', /fc1\/bias/);
    await refused(await rewritten('{'), 'corrupt-file');
  });
});

describe('saveCompressed', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'compressed-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('writes a file as a whole, which loads again', async () => {
    const model = bert({ layers: 1, hidden: 32, heads: 2, vocabulary: 100, positions: 16, length: 4 });
    const data = texts(2, 4, 100);
    const { model: small } = await compress(
      model,
      { train: data },
      { quantize: { weights: 4 }, report: false },
    );
    const path = join(folder, 'deep', 'model.safetensors');
    const size = await saveCompressed(small, path);
    expect((await readFile(path)).length).toBe(size);
    expect(await readdir(join(folder, 'deep'))).toEqual(['model.safetensors']);
    const again = await loadCompressed(path);
    const given = data.x.values as Int32Array;
    expect(predict(again, given, [2, 4])).toEqual(predict(small, given, [2, 4]));
    for (const each of [model, small, again]) each.dispose();
  });

  it('leaves the older file where the new one cannot be written, and names a file that is absent or damaged', async () => {
    const { bytes } = await denseFile(8);
    const path = join(folder, 'model.safetensors');
    await writeFile(path, bytes);
    const model = await loadCompressed(path);
    await expect(saveCompressed(model, join(path, 'inside'))).rejects.toThrow(/cannot be written/);
    expect(new Uint8Array(await readFile(path))).toEqual(bytes);
    model.dispose();
    await expect(loadCompressed(join(folder, 'absent'))).rejects.toThrow(/cannot read/);
    await writeFile(path, bytes.subarray(0, 500));
    await expect(loadCompressed(path)).rejects.toThrow(/model\.safetensors: /);
  });
});
