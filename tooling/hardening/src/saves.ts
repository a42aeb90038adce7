/** Every kind of file that Ockham saves, in two versions that can be told apart. */
import { join } from 'node:path';
import '@tensorflow/tfjs';
import { useBackend } from '@ockham/core/backend/node';
import { simulate } from '@ockham/core/comm';
import { fileStore } from '@ockham/core/files/node';
import { mlp } from '@ockham/core/models';
import { fitTable } from '@ockham/count-sketch-embed';
import { loadTable, saveTable } from '@ockham/count-sketch-embed/node';
import { classIncremental } from '@ockham/cssl';
import { coldStart } from '@ockham/cssl/node';
import { compress } from '@ockham/deepspeed-lite/compress';
import { folderOf, initialize, loadCompressed, saveCompressed } from '@ockham/deepspeed-lite/node';
import { gaussianClusters } from '@ockham/core/datasets';
import { loadSparseModel, saveSparseModel } from '@ockham/fw-prune/node';
import { applyLora, encodeAdapter } from '@ockham/lowrank';
import { loadAdapter, saveAdapter } from '@ockham/lowrank/node';
import { layers, sequential, tensor, tidy, type LayersModel } from '@tensorflow/tfjs';

/** A kind of file. */
export interface Save {
  /** Makes ready what `save` writes; the version is in the file. */
  prepare(folder: string): Promise<(version: number) => Promise<unknown>>;
  /** The version that the file holds. Throws where there is none. */
  load(folder: string): Promise<number>;
}

await useBackend('wasm');

const network = (): LayersModel =>
  sequential({ layers: [layers.dense({ units: 2, inputShape: [64], name: 'a' })] });

/** Puts the version into the bias. */
function marked(model: LayersModel, version: number): LayersModel {
  const bias = model.weights.at(-1)!;
  tidy(() => void bias.write(tensor([version, version])));
  return model;
}

function versionOf(model: LayersModel): number {
  const [version] = tidy(() => model.weights.at(-1)!.read().dataSync());
  model.dispose();
  return version!;
}

const snapshot: Save = {
  prepare: async (folder) => {
    const store = fileStore(join(folder, 'file'));
    return (version) =>
      store.write({ meta: { version }, arrays: { a: new Float32Array(5000).fill(version) } });
  },
  load: async (folder) => {
    const { meta, arrays } = (await fileStore(join(folder, 'file')).read())!;
    if (!arrays['a']!.every((value) => value === meta['version'])) throw new Error('torn');
    return meta['version'] as number;
  },
};

const sparse: Save = {
  prepare: async (folder) => (version) => saveSparseModel(marked(network(), version), join(folder, 'file')),
  load: async (folder) => versionOf(await loadSparseModel(join(folder, 'file'))),
};

const compressed: Save = {
  prepare: async (folder) => {
    const wide = sequential({
      layers: [layers.dense({ units: 48, inputShape: [64] }), layers.dense({ units: 2 })],
    });
    return async (version) => {
      const { model } = await compress(marked(wide, version), { train: few }, { quantize: { weights: 8 } });
      await saveCompressed(model, join(folder, 'file'));
    };
  },
  load: async (folder) => versionOf(await loadCompressed(join(folder, 'file'))),
};

const table: Save = {
  prepare: async (folder) => async (version) => {
    const values = new Float32Array(200).fill(version);
    const { layer } = fitTable({ values, vocabulary: 50, dimension: 4 }, { method: 'int8' }, { seed: 1 });
    await saveTable(layer, join(folder, 'file'));
  },
  load: async (folder) => {
    const layer = await loadTable(join(folder, 'file'));
    const rows = [...layer.rowsOf([0, 49])].map(Math.round);
    layer.dispose();
    if (new Set(rows).size !== 1) throw new Error('torn');
    return rows[0]!;
  },
};

/** α is the version, and so is the rank. */
function adapter(path: string): Save {
  return {
    prepare: async (folder) => async (version) =>
      saveAdapter(applyLora(network(), { rank: version, alpha: version, seed: 1 }), join(folder, path)),
    load: async (folder) => {
      const adapted = await loadAdapter(network(), join(folder, path), { anyBase: true });
      const { config } = await encodeAdapter(adapted);
      if (config.r !== config.lora_alpha) throw new Error('torn');
      return config.r;
    },
  };
}

const images = {
  size: 6,
  x: { values: Float32Array.from({ length: 6 * 36 }, (_, i) => (i % 7) / 7), shape: [6, 6, 1] },
  y: { values: Int32Array.from([0, 1, 2, 0, 1, 2]), shape: [] },
};
const newLearner = () =>
  coldStart(mlp({ inputShape: [6, 6, 1], units: [4], classes: 3, seed: 3 }), {
    replay: { capacity: 5, batch: 2, codec: 'quantise(4)' },
    learningRate: 0.02,
    seed: 5,
  });

/** The version counts how often the stream was learnt. */
const learner: Save = {
  prepare: async (folder) => {
    const made = newLearner();
    return async () => {
      await made.fit(classIncremental(images, { seed: 2 }));
      await made.save(join(folder, 'file'));
    };
  },
  load: async (folder) => {
    const made = newLearner();
    const { lost } = await made.load(join(folder, 'file'));
    if (lost.length > 0) throw new Error('torn');
    return made.counters.examples / images.size;
  },
};

const { train: few } = gaussianClusters({ classes: 2, features: 64, examples: 8, separation: 3, seed: 1 });

/** The version counts epochs. */
const ranks: Save = {
  prepare: async (folder) => async (version) =>
    onRanks(async (engine) => {
      await engine.fit(few, { epochs: version });
      await engine.save(folderOf(folder));
    }),
  load: async (folder) =>
    onRanks(async (engine) => {
      await engine.load(folderOf(folder));
      const { meta } = (await folderOf(folder)('manifest').read())!;
      return (meta['position'] as { updates: number }).updates;
    }),
};

async function onRanks<T>(work: (engine: Awaited<ReturnType<typeof initialize>>) => Promise<T>): Promise<T> {
  const { results } = await simulate(1, async ({ comm }) => {
    const model = mlp({ inputShape: [64], units: [4], classes: 2, seed: 1 });
    const engine = await initialize(model, { globalBatch: 8, learningRate: 0.01, seed: 3 }, { comm });
    try {
      return await work(engine);
    } finally {
      await engine.close();
    }
  });
  return results[0]!;
}

/** Kinds by name. */
export const saves: Readonly<Record<string, Save>> = {
  snapshot,
  'sparse model': sparse,
  'compressed model': compressed,
  table,
  'adapter in a file': adapter('one.safetensors'),
  'adapter in a folder': adapter('two'),
  learner,
  'checkpoint of ranks': ranks,
};
