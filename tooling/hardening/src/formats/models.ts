/** Files of models, of parts of models, and of runs. */
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { simulate } from '@ockham/core/comm';
import { gaussianClusters } from '@ockham/core/datasets';
import { sha256 } from '@ockham/core/files';
import { fileStore } from '@ockham/core/files/node';
import { mlp } from '@ockham/core/models';
import { Random } from '@ockham/core/random';
import { saveWeights, train } from '@ockham/core/training';
import {
  decodeTable,
  encodeTable,
  fitTable,
  type CompressedEmbedding,
  type TableForm,
} from '@ockham/count-sketch-embed';
import { openTable } from '@ockham/count-sketch-embed/reader';
import { classIncremental } from '@ockham/cssl';
import { coldStart } from '@ockham/cssl/node';
import { compress, decodeCompressed, encodeCompressed } from '@ockham/deepspeed-lite/compress';
import { folderOf, initialize } from '@ockham/deepspeed-lite/node';
import { decodeSparseModel, encodeSparseModel } from '@ockham/fw-prune';
import { applyLora, decodeAdapter, encodeAdapter, installAdapter } from '@ockham/lowrank';
import { layers, sequential, type LayersModel } from '@tensorflow/tfjs';
import type { Format } from '../format.ts';
import { scratch } from '../scratch.ts';
import { hash, sealSnapshot } from './arrays.ts';
import { replayHeader, safetensorsHeader, snapshotHeader } from './headers.ts';

const { train: data } = gaussianClusters({ classes: 3, features: 6, examples: 24, separation: 3, seed: 7 });
const network = (): LayersModel => mlp({ inputShape: [6], units: [5], classes: 3, seed: 1 });

async function weightsThenDispose(model: LayersModel): Promise<unknown> {
  const { arrays } = await saveWeights(model);
  model.dispose();
  return Object.values(arrays).map(hash);
}

const sparse: Format = {
  name: 'sparse model',
  originals: async () => {
    const model = network();
    const files = [
      await encodeSparseModel(model),
      await encodeSparseModel(model, { values: 'float16', format: 'csr' }),
    ];
    model.dispose();
    return files.map(({ bytes }) => bytes);
  },
  read: async (bytes) => weightsThenDispose(await decodeSparseModel(bytes, { most: 2 ** 20 })),
  whole: true,
};

const container: Format = {
  name: 'compressed model',
  originals: async () => {
    const model = sequential({
      layers: [
        layers.dense({ inputShape: [64], units: 48, name: 'a' }),
        layers.dense({ units: 2, name: 'b' }),
      ],
    });
    const { train: wide } = gaussianClusters({
      classes: 2,
      features: 64,
      examples: 8,
      separation: 3,
      seed: 1,
    });
    const { model: small } = await compress(model, { train: wide }, { quantize: { weights: 4 } });
    const bytes = await encodeCompressed(small);
    small.dispose();
    model.dispose();
    return [bytes];
  },
  read: async (bytes) => weightsThenDispose(await decodeCompressed(bytes)),
  whole: true,
};

async function sealContainer(bytes: Uint8Array): Promise<Uint8Array> {
  const sealed = new Uint8Array(bytes);
  const at = Buffer.from(sealed.buffer).indexOf('"sha256":"') + 10;
  if (at < 10 || at + 64 > sealed.length) return sealed;
  sealed.fill(0x30, at, at + 64);
  sealed.set(new TextEncoder().encode(await sha256(sealed)), at);
  return sealed;
}

const [V, D] = [20, 6];
const ids = Int32Array.from({ length: V }, (_, x) => x);
const forms: readonly TableForm[] = [
  { method: 'int8' },
  { method: 'product-quantisation', parts: 3, centroids: 4 },
  { method: 'count-sketch', rows: 7, hashes: 3, heavyHitters: 5 },
  { method: 'hash', rows: 7, signs: 'coordinate', heavyHitters: 2 },
  { method: 'nano', inner: 2 },
  { method: 'quotient-remainder', buckets: 4 },
  { method: 'robe', size: 30, block: 2 },
  { method: 'tensor-train', ranks: [2, 3] },
];
function table(form: TableForm): Uint8Array {
  const random = new Random(1);
  const values = Float32Array.from({ length: V * D }, () => random.normal());
  const { layer } = fitTable({ values, vocabulary: V, dimension: D }, form, {
    seed: 1,
    iterations: 2,
    frequencies: Float64Array.from(ids, (x) => 100 / (x + 1)),
  });
  const bytes = encodeTable(layer);
  layer.dispose();
  return bytes;
}
const opened = (reader: Pick<CompressedEmbedding, 'vocabulary' | 'dimension' | 'rowsOf'>): unknown => {
  const rows = reader.rowsOf(ids.filter((x) => x < reader.vocabulary));
  return [reader.vocabulary, reader.dimension, hash(rows)];
};

const tables: Format = {
  name: 'table',
  header: safetensorsHeader,
  originals: async () => forms.map(table),
  read: async (bytes) => {
    const layer = decodeTable(bytes, { most: 2 ** 20 });
    try {
      return opened(layer);
    } finally {
      layer.dispose();
    }
  },
};

const smallReader: Format = {
  name: 'table in the small reader',
  header: safetensorsHeader,
  originals: async () => forms.slice(0, 6).map(table),
  read: async (bytes) => {
    const reader = openTable(bytes);
    return reader.dimension > 2 ** 16 ? [reader.vocabulary, reader.dimension] : opened(reader);
  },
};

const adapter: Format = {
  name: 'adapter',
  header: safetensorsHeader,
  originals: async () => {
    const base = network();
    const adapted = applyLora(base, { rank: 2, seed: 1 });
    const { bytes } = await encodeAdapter(adapted);
    adapted.dispose();
    base.dispose();
    return [bytes];
  },
  read: async (bytes) => {
    const base = network();
    let adapted: LayersModel | undefined;
    try {
      adapted = await installAdapter(base, decodeAdapter(bytes), { anyBase: true });
      return Object.values((await saveWeights(adapted)).arrays).map(hash);
    } finally {
      adapted?.dispose();
      base.dispose();
    }
  },
};

const pixels = (example: number): Uint8Array =>
  Uint8Array.from({ length: 36 }, (_, i) => (i * 37 + example * 11) & 255);
function learner(codec: 'jpeg' | 'quantise(4)', sample: 'loss-weighted' | 'uniform') {
  const model = mlp({ inputShape: [6, 6, 1], units: [4], classes: 3, seed: 3 });
  return {
    model,
    learner: coldStart(model, { replay: { capacity: 12, batch: 3, codec, sample }, optimizer: 'momentum', learningRate: 0.02, seed: 5 }), // prettier-ignore
  };
}
const images = {
  size: 12,
  x: { values: Float32Array.from(Array.from({ length: 12 }, (_, i) => [...pixels(i)]).flat(), (byte) => byte / 255), shape: [6, 6, 1] }, // prettier-ignore
  y: { values: Int32Array.from(Array(12).keys(), (i) => i % 3), shape: [] },
};

const LEARNER_FILE = 'learner.ockham';
function learners(name: string, codec: 'jpeg' | 'quantise(4)', sample: 'loss-weighted' | 'uniform'): Format {
  return {
    name,
    originals: async () => {
      const { learner: made, model } = learner(codec, sample);
      await made.fit(classIncremental(images, { seed: 2 }));
      const path = join(scratch(), LEARNER_FILE);
      await made.save(path);
      made.dispose();
      model.dispose();
      return [new Uint8Array(await readFile(path))];
    },
    read: async (_, { path }) => {
      const { learner: made, model } = learner(codec, sample);
      try {
        const { lost } = await made.load(path);
        const { buffer } = made;
        const slots = Int32Array.from({ length: buffer.size }, (__, slot) => slot);
        const decoded = new Float32Array(buffer.size * 36);
        buffer.read(slots, decoded);
        buffer.sample(5);
        buffer.store(pixels(99), 1);
        return [lost, made.counters, hash(decoded)];
      } finally {
        made.dispose();
        model.dispose();
      }
    },
    seal: sealReplay,
    header: replayHeader,
  };
}

/** The snapshot's checksum; those of the records stand in it and stay wrong, so that altered records are lost ones. */
function sealReplay(bytes: Uint8Array): Uint8Array {
  if (bytes.length < 12) return bytes;
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length > bytes.length - 8) return bytes;
  return new Uint8Array(Buffer.concat([bytes.subarray(0, 8), sealSnapshot(bytes.subarray(8, 8 + length)), bytes.subarray(8 + length)])); // prettier-ignore
}

const training: Format = {
  name: 'checkpoint of train',
  originals: async () => {
    const path = join(scratch(), 'train.ockham');
    const model = network();
    await train(model, data, { epochs: 2, seed: 1, batchSize: 12, optimizer: 'adam', checkpoint: { ...fileStore(path), remove: async () => undefined } }); // prettier-ignore
    model.dispose();
    return [new Uint8Array(await readFile(path))];
  },
  read: async (_, { path }) => {
    const model = network();
    try {
      await train(model, data, { epochs: 2, seed: 1, batchSize: 12, optimizer: 'adam', checkpoint: { ...fileStore(path), write: async () => undefined, remove: async () => undefined } }); // prettier-ignore
      return Object.values((await saveWeights(model)).arrays).map(hash);
    } finally {
      model.dispose();
    }
  },
  seal: sealSnapshot,
  header: snapshotHeader,
};

const manifest: Format = {
  name: 'checkpoint of ranks',
  originals: async () => [new Uint8Array(await readFile(join(await savedRanks(), 'manifest.ockham')))],
  read: async (bytes, { path }) => {
    const [saved, home] = [await savedRanks(), join(dirname(path), 'data', 'ranks')];
    await mkdir(home, { recursive: true });
    for (const name of await readdir(saved))
      await writeFile(join(home, name), await readFile(join(saved, name)));
    await writeFile(join(home, 'manifest.ockham'), bytes);
    const { results } = await simulate(1, async ({ comm }) => {
      const model = network();
      const engine = await initialize(model, { globalBatch: 12, learningRate: 0.01, seed: 3 }, { comm });
      try {
        await engine.load(folderOf(home));
        return Object.values((await saveWeights(model)).arrays).map(hash);
      } finally {
        await engine.close();
        model.dispose();
      }
    });
    return results;
  },
  seal: sealSnapshot,
  header: snapshotHeader,
};

let ranksFolder: Promise<string> | undefined;
function savedRanks(): Promise<string> {
  ranksFolder ??= (async () => {
    const home = scratch();
    await simulate(1, async ({ comm }) => {
      const model = network();
      const engine = await initialize(model, { globalBatch: 12, learningRate: 0.01, seed: 3 }, { comm });
      await engine.fit(data, { epochs: 1 });
      await engine.save(folderOf(home));
      await engine.close();
      model.dispose();
    });
    return home;
  })();
  return ranksFolder;
}

/** Files of models and runs. */
export const modelFormats: readonly Format[] = [
  sparse,
  {
    ...sparse,
    name: 'sparse model with its checksum',
    whole: false,
    seal: sealSnapshot,
    header: snapshotHeader,
  },
  container,
  {
    ...container,
    name: 'compressed model with its checksum',
    whole: false,
    seal: sealContainer,
    header: safetensorsHeader,
  },
  tables,
  smallReader,
  adapter,
  learners('learner with JPEG records', 'jpeg', 'uniform'),
  learners('learner with packed records', 'quantise(4)', 'loss-weighted'),
  training,
  manifest,
];
