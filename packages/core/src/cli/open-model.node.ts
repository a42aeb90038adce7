import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { serialization, type io } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { DataError, UnsupportedModelError } from '../errors.ts';
import { modelFromFile, nameLoadedActivation } from '../models/index.ts'; // registers this package's layers, too
import { specBytes } from './spec-bytes.node.ts';

/** A model that was read from disk. */
export interface OpenedModel {
  /** The caller disposes of it. */
  readonly model: LayersModel;
  /** The `model.json` that was read. */
  readonly path: string;
  /** `model.json` and its shards. */
  readonly bytes: number;
}

interface ModelJson {
  readonly format?: unknown;
  readonly modelTopology?: unknown;
  readonly weightsManifest?: unknown;
}

interface Group {
  readonly paths: readonly string[];
  readonly weights: io.WeightsManifestEntry[];
}

const who = 'openModel';

/**
 * Opens a `tf.LayersModel` from the files that `model.save` or the TensorFlow.js converter wrote, without the native
 * binding. Shards must lie in the folder of `model.json` or below.
 *
 * @param path `model.json`, or the folder that has it.
 * @throws DataError `storage-failed` where a file cannot be read, `corrupt-file` where it does not hold what it says;
 *   UnsupportedModelError for a graph model, or a layer class that is not registered.
 *
 * @example
 * const { model, bytes } = await openModel('mnist/model.json');
 */
export async function openModel(path: string): Promise<OpenedModel> {
  const isFolder = (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
  const file = resolve(isFolder ? join(path, 'model.json') : path);
  const text = await read(file);
  const { format, modelTopology, weightsManifest } = parse(file, text);
  if (format === 'graph-model')
    throw new UnsupportedModelError(
      `${who}: ${file} is a graph model, whose layers are gone. Convert the original again with --output_format=tfjs_layers_model.`,
    );
  if (!isObject(modelTopology))
    throw corrupt(file, 'it has no modelTopology: it is not the model.json of a LayersModel');
  const groups = groupsOf(file, weightsManifest);
  const folder = dirname(file);
  const shards: Uint8Array[] = [];
  for (const { paths, weights } of groups) {
    const parts = await Promise.all(paths.map(async (shard) => read(await placeOf(file, folder, shard))));
    const wanted = weights.reduce((sum, spec) => sum + specBytes(spec, `${who}: ${file}`), 0);
    const found = parts.reduce((sum, { length }) => sum + length, 0);
    if (found !== wanted)
      throw corrupt(
        file,
        `its weights take ${wanted} bytes, and ${paths.join(', ') || 'no file'} has ${found}`,
      );
    shards.push(...parts);
  }
  const weightData = new Uint8Array(Buffer.concat(shards)).buffer;
  const weightSpecs = groups.flatMap(({ weights }) => weights);
  const numbers = weightSpecs.reduce((sum, { shape }) => sum + shape.reduce((n, d) => n * d, 1), 0);
  nameLoadedActivation();
  checkClasses(file, modelTopology);
  const model = await modelFromFile(`${who}: ${file}`, { modelTopology, weightSpecs, weightData }, numbers);
  return { model, path: file, bytes: text.length + weightData.byteLength };
}

/** The text as an object. Keys that would reach prototypes are no part of any model. */
function parse(file: string, text: Uint8Array): ModelJson {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text), (key, inner: unknown) => {
      if (key === '__proto__') throw new SyntaxError(`it has the key ${key}`);
      return inner;
    });
  } catch (cause) {
    throw corrupt(file, `it is no JSON (${(cause as Error).message})`, cause);
  }
  if (!isObject(value)) throw corrupt(file, 'it is no JSON object');
  return value;
}

/** Here, since TensorFlow.js would leave the layers before an unknown one behind. */
function checkClasses(file: string, topology: Record<string, unknown>): void {
  const { classNameMap } = serialization.SerializationMap.getMap();
  const queue: unknown[] = [topology['model_config'] ?? topology];
  for (let entry = queue.pop(); entry !== undefined; entry = queue.pop()) {
    if (!isObject(entry)) continue;
    const { class_name: className, config } = entry;
    if (typeof className === 'string' && !Object.hasOwn(classNameMap, className))
      throw new UnsupportedModelError(
        `${who}: ${file} has a layer of the class ${className}, which is not known here. Only stock layers and those of Ockham can be opened.`,
      );
    const inner = isObject(config) ? config['layers'] : config; // a sequential model of Keras 2.1 has a list
    if (Array.isArray(inner)) queue.push(...(inner as unknown[]));
  }
}

function groupsOf(file: string, manifest: unknown): Group[] {
  if (!Array.isArray(manifest)) throw corrupt(file, 'it has no weightsManifest');
  return manifest.map((group: unknown) => {
    if (!isObject(group)) throw corrupt(file, 'a group of its weightsManifest is no object');
    const { paths, weights } = group as Partial<Group>;
    if (!Array.isArray(paths) || !paths.every((path) => typeof path === 'string'))
      throw corrupt(file, 'a group of its weightsManifest has no paths');
    if (!Array.isArray(weights) || !weights.every(isObject))
      throw corrupt(file, 'a group of its weightsManifest has no weights');
    return { paths, weights };
  });
}

/** Where a shard lies; whoever wrote the manifest may not name files elsewhere, by links neither. */
async function placeOf(file: string, folder: string, shard: string): Promise<string> {
  const place = resolve(folder, shard);
  const home = await realpath(folder);
  const real = await realpath(place).catch(() => join(home, relative(folder, place)));
  if (isInside(folder, place) && isInside(home, real)) return place;
  throw corrupt(file, `its weights must lie in its folder, and it names '${shard}'`);
}

function isInside(folder: string, place: string): boolean {
  return place.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);
}

async function read(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    const reason = (cause as { code?: string }).code ?? String(cause);
    throw new DataError(
      'storage-failed',
      `${who}: ${path} cannot be read (${reason}). Check the path and its permissions.`,
      {
        cause,
      },
    );
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function corrupt(file: string, what: string, cause?: unknown): DataError {
  return new DataError('corrupt-file', `${who}: ${file} cannot be used: ${what}. Save the model again.`, {
    cause,
  });
}
