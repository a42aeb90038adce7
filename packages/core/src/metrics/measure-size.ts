import { io, util, type Variable } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { gzip } from '../files/gzip.ts';
import { checkModel } from '../models/check-model.ts';
import { flatLayers, variableOf } from '../training/layers.ts';
import { heldWeightsOf } from '../training/held-weights.ts';

/** What {@link measureSize} measures, in bytes. */
export interface ModelSize {
  /** `model.json` and `weights.bin`, as `model.save` writes them. */
  readonly bytes: number;
  /** Both files after gzip, as a web server would send them. */
  readonly gzipBytes: number;
  /** The weights in memory, those that layers hold packed too. */
  readonly residentBytes: number;
}

/**
 * The size of a model in TensorFlow.js' own format, on disk and compressed, and of its weights in memory.
 * Nothing is written. The format stores every weight, zeros included.
 *
 * @throws ArgumentError when the model is empty or was disposed.
 */
export async function measureSize(model: LayersModel): Promise<ModelSize> {
  checkModel('measureSize', model);
  const { json, weights } = await savedFiles(model);
  const [jsonGzip, weightsGzip] = [await gzip(json), await gzip(weights)];
  return {
    bytes: json.length + weights.length,
    gzipBytes: jsonGzip.length + weightsGzip.length,
    residentBytes: residentBytes(model),
  };
}

/** Bytes of a model's weights in memory: variables, each once, and what layers hold packed. */
export function residentBytes(model: LayersModel): number {
  const layers = [...new Set(flatLayers(model))];
  const variables = [...new Set(layers.flatMap((layer) => layer.weights.map(variableOf)))];
  const held = layers.flatMap(heldWeightsOf);
  return [...variables.map(bytesOf), ...held.map(({ bytes }) => bytes)].reduce((total, b) => total + b, 0);
}

/** The two files of a saved model. */
async function savedFiles(model: LayersModel): Promise<{ json: Uint8Array; weights: Uint8Array }> {
  let artifacts!: io.ModelArtifacts;
  await model.save(
    io.withSaveHandler(async (given) => {
      artifacts = given;
      return { modelArtifactsInfo: io.getModelArtifactsInfoForJSON(given) };
    }),
  );
  const { modelTopology, weightSpecs, weightData, format, generatedBy, convertedBy } = artifacts;
  const manifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
  const json = { modelTopology, format, generatedBy, convertedBy, weightsManifest: manifest };
  const buffers = [weightData ?? []].flat();
  return {
    json: new TextEncoder().encode(JSON.stringify(json)),
    weights: joined(buffers.map((buffer) => new Uint8Array(buffer))),
  };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

function bytesOf(variable: Variable): number {
  return variable.size * util.bytesPerElement(variable.dtype);
}
