/** Files that the command lines take: of models, and of data. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openData, openModel } from '@ockham/core/cli/node';
import { mlp } from '@ockham/core/models';
import { saveWeights } from '@ockham/core/training';
import { io } from '@tensorflow/tfjs';
import type { Format } from '../format.ts';
import { hash } from './arrays.ts';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

let saved: io.ModelArtifacts | undefined;

/** What `model.save` hands over. */
async function artifacts(): Promise<io.ModelArtifacts> {
  if (saved) return saved;
  const model = mlp({ inputShape: [6], units: [5], classes: 3, seed: 1 });
  await model.save(
    io.withSaveHandler((given) => {
      saved = given;
      return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } });
    }),
  );
  model.dispose();
  return saved!;
}

const modelJson: Format = {
  name: 'model.json',
  originals: async () => {
    const { modelTopology, weightSpecs } = await artifacts();
    const weightsManifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
    return [encode(JSON.stringify({ format: 'layers-model', modelTopology, weightsManifest }))];
  },
  read: async (bytes, { path }) => {
    const folder = join(dirname(path), 'data');
    await mkdir(folder, { recursive: true });
    const { weightData } = await artifacts();
    await writeFile(join(folder, 'weights.bin'), new Uint8Array(weightData as ArrayBuffer));
    await writeFile(join(folder, 'model.json'), bytes);
    const { model } = await openModel(folder);
    const { arrays } = await saveWeights(model);
    model.dispose();
    return Object.values(arrays).map(hash);
  },
  header: (header) => ({ header, replace: (altered) => altered }),
};

/** A table of data that `--data` names. */
function table(extension: 'csv' | 'tsv', inputShape: readonly number[], texts: readonly string[]): Format {
  return {
    name: `${extension} of a command line`,
    originals: () => Promise.resolve(texts.map(encode)),
    read: async (bytes, { path }) => {
      const folder = join(dirname(path), 'data');
      await mkdir(folder, { recursive: true });
      const file = join(folder, `table.${extension}`);
      const vocabulary = join(folder, 'words');
      await writeFile(vocabulary, '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\ngood\nbad\nfilm\na\n##s\n');
      await writeFile(file, bytes);
      const { train } = await openData(file, { inputShape, vocabulary });
      return [train.size, train.x.shape, train.y.shape, hash(train.x.values), hash(train.y.values)];
    },
  };
}

const csv = table('csv', [3], ['a,b,c,class\n1,2.5,-3e2,0\n.5,1,7,1\n', '1,2,3,0.25\n"4",5,6,0.5\n']);
const tsv = table('tsv', [8], ['text\tlabel\na good film\t1\na bad film\t0\n']);

export const commandLineFormats: readonly Format[] = [modelJson, csv, tsv];
