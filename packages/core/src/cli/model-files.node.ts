import { io } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { checkModel } from '../models/check-model.ts';

/**
 * A model in TensorFlow.js' own format: `model.json` and `weights.bin`, which `tf.loadLayersModel` reads. Without the
 * optimizer and without a date: the same model gives the same bytes.
 *
 * @throws ArgumentError when the model is empty or was disposed.
 */
export async function modelFiles(model: LayersModel): Promise<Map<string, Uint8Array>> {
  checkModel('modelFiles', model);
  let artifacts!: io.ModelArtifacts;
  await model.save(
    io.withSaveHandler(async (made) => {
      artifacts = made;
      return { modelArtifactsInfo: io.getModelArtifactsInfoForJSON(made) };
    }),
  );
  const { modelTopology, weightSpecs, weightData, generatedBy } = artifacts;
  const json = {
    format: 'layers-model',
    generatedBy,
    convertedBy: null,
    modelTopology,
    weightsManifest: [{ paths: ['weights.bin'], weights: weightSpecs }],
  };
  const buffers = [weightData ?? []].flat();
  return new Map([
    ['model.json', new TextEncoder().encode(JSON.stringify(json))],
    ['weights.bin', new Uint8Array(Buffer.concat(buffers.map((buffer) => new Uint8Array(buffer))))],
  ]);
}
