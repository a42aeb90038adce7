import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memory, ones } from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { modelFiles, openModel, saveFolder } from '../../src/cli/index.node.ts';
import { bert, mlp } from '../../src/models/index.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ockham-open-'));
});
afterEach(() => rm(folder, { recursive: true }));

interface ModelJson {
  modelTopology: {
    class_name: string;
    config: { layers: { class_name: string; config: { units?: unknown } }[] };
  };
  weightsManifest: { paths: string[]; weights: { name: string; shape: unknown; dtype: string }[] }[];
  [key: string]: unknown;
}

/** A saved model whose `model.json` was changed. */
async function saved(change: (json: ModelJson) => unknown = (json) => json): Promise<string> {
  const model = mlp({ inputShape: [3], units: [4], classes: 2, seed: 1 });
  await saveFolder(join(folder, 'model'), await modelFiles(model));
  model.dispose();
  const file = join(folder, 'model', 'model.json');
  const json = JSON.parse(await readFile(file, 'utf8')) as ModelJson;
  const changed = change(json) ?? json;
  await writeFile(file, typeof changed === 'string' ? changed : JSON.stringify(changed));
  return file;
}

describe('openModel', () => {
  it('gives back what was saved, from the file or its folder, and leaves no tensor', async () => {
    const tensors = memory().numTensors;
    const model = mlp({ inputShape: [3], units: [4], classes: 2, seed: 1 });
    const files = await modelFiles(model);
    await saveFolder(join(folder, 'model'), files);
    for (const path of ['model', 'model/model.json']) {
      const { model: again, bytes } = await openModel(join(folder, path));
      expect(again.getWeights().map((w) => w.dataSync())).toEqual(
        model.getWeights().map((w) => w.dataSync()),
      );
      expect(bytes).toBe([...files.values()].reduce((sum, { length }) => sum + length, 0));
      again.dispose();
    }
    model.dispose();
    expect(memory().numTensors).toBe(tensors);
  });

  it('opens the networks of this package with their own layers', async () => {
    const model = bert({
      layers: 1,
      hidden: 8,
      heads: 2,
      intermediate: 16,
      vocabulary: 20,
      positions: 8,
      length: 4,
      classes: 2,
      seed: 1,
    });
    await saveFolder(join(folder, 'model'), await modelFiles(model));
    const { model: again } = await openModel(join(folder, 'model'));
    const ids = ones([1, 4], 'int32');
    const [a, b] = [model, again].map((each) => each.predict(ids) as ReturnType<typeof ones>);
    expect(b!.dataSync()).toEqual(a!.dataSync());
    for (const each of [a!, b!, ids, model, again]) each.dispose();
  });

  it('reads weights from several shards in their order', async () => {
    const file = await saved((json) => {
      json.weightsManifest[0]!.paths = ['a.bin', 'below/b.bin'];
    });
    const whole = await readFile(join(folder, 'model/weights.bin'));
    await mkdir(join(folder, 'model/below'));
    await writeFile(join(folder, 'model/a.bin'), whole.subarray(0, 11));
    await writeFile(join(folder, 'model/below/b.bin'), whole.subarray(11));
    const { model } = await openModel(file);
    expect(model.getWeights()[0]!.dataSync()[0]).toBe(whole.readFloatLE(0));
    model.dispose();
  });

  it('knows weights by the names that Keras scopes', async () => {
    const file = await saved(({ weightsManifest: [group] }) => {
      for (const weight of group!.weights) weight.name = weight.name.replace(/^(.*)\/(.*)$/, '$1/$1/$2');
    });
    const { model } = await openModel(file);
    const whole = await readFile(join(folder, 'model/weights.bin'));
    expect(model.getWeights()[0]!.dataSync()[0]).toBe(whole.readFloatLE(0));
    model.dispose();
  });

  it('refuses two weights for one place', async () => {
    const file = await saved(({ weightsManifest: [group] }) => {
      const [first] = group!.weights;
      group!.weights.push({ ...first!, name: first!.name.replace('/', '/scope/') });
    });
    const path = join(folder, 'model/weights.bin');
    await writeFile(path, Buffer.concat([await readFile(path), new Uint8Array(3 * 4 * 4)]));
    await expect(openModel(file)).rejects.toMatchObject({
      code: 'corrupt-file',
      message: expect.stringContaining('one place'),
    });
  });

  it.each([['../secret.bin'], ['/etc/hostname'], ['below/../../secret.bin'], ['.'], ['']])(
    'reads no weights outside its folder: %j',
    async (path) => {
      await writeFile(join(folder, 'secret.bin'), new Uint8Array(104));
      const file = await saved((json) => {
        json.weightsManifest[0]!.paths = [path];
      });
      await expect(openModel(file)).rejects.toMatchObject({
        code: 'corrupt-file',
        message: expect.stringContaining('must lie in its folder'),
      });
    },
  );

  it('follows no link out of its folder', async () => {
    await writeFile(join(folder, 'secret.bin'), new Uint8Array(104));
    const file = await saved();
    await rm(join(folder, 'model/weights.bin'));
    await symlink(join(folder, 'secret.bin'), join(folder, 'model/weights.bin'));
    await expect(openModel(file)).rejects.toMatchObject({ code: 'corrupt-file' });
  });

  const sizeOf = (json: ModelJson, units: unknown): void => {
    json.modelTopology.config.layers.find(({ config }) => config.units === 4)!.config.units = units;
  };
  const broken: [what: string, change: (json: ModelJson) => unknown, code: string][] = [
    ['text that is no JSON', () => '{', 'corrupt-file'],
    ['a list', () => [], 'corrupt-file'],
    ['no topology', (json) => ({ weightsManifest: json.weightsManifest }), 'corrupt-file'],
    ['no manifest', (json) => ({ modelTopology: json.modelTopology }), 'corrupt-file'],
    ['a group that is no object', (json) => ({ ...json, weightsManifest: [3] }), 'corrupt-file'],
    [
      'paths that are no texts',
      (json) => ({ ...json, weightsManifest: [{ paths: [3], weights: [] }] }),
      'corrupt-file',
    ],
    [
      'a weight that is too large',
      (json) => void (json.weightsManifest[0]!.weights[0]!.shape = [1e9, 1e9]),
      'corrupt-file',
    ],
    [
      'a negative size',
      (json) => void (json.weightsManifest[0]!.weights[0]!.shape = [-3, -4]),
      'corrupt-file',
    ],
    [
      'a shape that is no list',
      (json) => void (json.weightsManifest[0]!.weights[0]!.shape = 'x'),
      'corrupt-file',
    ],
    [
      'texts as weights',
      (json) => void (json.weightsManifest[0]!.weights[0]!.dtype = 'string'),
      'corrupt-file',
    ],
    ['fewer weights than its file', (json) => void json.weightsManifest[0]!.weights.pop(), 'corrupt-file'],
    [
      'a key that reaches prototypes',
      (json) => `{"__proto__":{"polluted":1},${JSON.stringify(json).slice(1)}`,
      'corrupt-file',
    ],
    ['fewer bytes than its layers ask for', (json) => sizeOf(json, 2e9), 'corrupt-file'],
    ['a size that is no number', (json) => sizeOf(json, 'x'), 'corrupt-file'],
    [
      'weights of another layer',
      (json) => void (json.weightsManifest[0]!.weights[0]!.name = 'other/kernel'),
      'corrupt-file',
    ],
    ['a graph model', (json) => ({ ...json, format: 'graph-model' }), 'unsupported-model'],
    [
      'a layer of somebody else',
      (json) => void (json.modelTopology.config.layers[1]!.class_name = 'Theirs'),
      'unsupported-model',
    ],
  ];
  it.each(broken)('refuses %s', async (_, change, code) => {
    const tensors = memory().numTensors;
    await expect(openModel(await saved(change))).rejects.toMatchObject({ code });
    expect(memory().numTensors).toBe(tensors);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
});
