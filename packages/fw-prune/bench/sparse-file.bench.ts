import { bench } from '@ockham/bench';
import { lenet300100 } from '@ockham/core/models';
import { decodeSparseModel, encodeSparseModel, prune } from '@ockham/fw-prune';
import { io } from '@tensorflow/tfjs-core';
import { loadLayersModel } from '@tensorflow/tfjs-layers';

export default bench({
  id: 'fw-prune/sparse-file',
  question:
    'What do the bytes saved by the sparse file of LeNet-300-100 at 95 % cost in time, against the dense format?',
  against: { 'sparse save': 'dense save', 'sparse load': 'dense load' },
  async prepare() {
    const model = lenet300100({ seed: 7 });
    const one = {
      size: 1,
      x: { values: new Float32Array(784), shape: [28, 28, 1] },
      y: { values: new Int32Array(1), shape: [] },
    };
    const { model: pruned, masks } = await prune(
      model,
      { train: one },
      { method: 'simple', sparsity: 0.95, retrain: { epochs: 0 }, seed: 7 },
    );
    let dense: io.ModelArtifacts = {};
    const saveDense = async (): Promise<void> => {
      await pruned.save(
        io.withSaveHandler((artifacts) => {
          dense = artifacts;
          return Promise.resolve({
            modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' },
          });
        }),
      );
    };
    await saveDense();
    const float32 = await encodeSparseModel(pruned);
    const float16 = await encodeSparseModel(pruned, { values: 'float16' });
    return {
      variants: {
        'dense save': saveDense,
        'sparse save': async () => void (await encodeSparseModel(pruned)),
        'dense load': async () => void (await loadLayersModel(io.fromMemory(dense))).dispose(),
        'sparse load': async () => void (await decodeSparseModel(float32.bytes)).dispose(),
      },
      figures: {
        'dense bytes': float32.denseBytes,
        'sparse bytes': float32.bytes.length,
        'sparse bytes, float16': float16.bytes.length,
      },
      dispose: () => [model, pruned, masks].forEach((owner) => void owner.dispose()),
    };
  },
});
