import { bench } from '@ockham/bench';
import { gaussianClusters } from '@ockham/core/datasets';
import { countFlops } from '@ockham/core/metrics';
import { tableOneCnn } from '@ockham/core/models';
import { pruneStructured } from '@ockham/fw-prune';
import { randomUniform, type Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

const batch = 128;

export default bench({
  id: 'fw-prune/structured',
  question: `How much faster is the Table-1 CNN with half its FLOPs really removed, at batch ${batch}?`,
  against: { pruned: 'dense' },
  async prepare() {
    const dense = tableOneCnn({ seed: 7 });
    // the time of a network does not depend on what it learned: a few random images stand in for digits
    const clusters = gaussianClusters({ classes: 10, features: 784, examples: 256, seed: 7 });
    const images = { ...clusters.train, x: { ...clusters.train.x, shape: [28, 28, 1] } };
    const { model: pruned } = await pruneStructured(
      dense,
      { train: images },
      { flops: 0.5, iterations: 1, retrain: { epochs: 0 }, seed: 7 },
    );
    const input = randomUniform([batch, 28, 28, 1], 0, 1, 'float32', 7);
    const run = (model: LayersModel) => async () => {
      const output = model.predict(input) as Tensor;
      await output.data();
      output.dispose();
    };
    return {
      variants: { dense: run(dense), pruned: run(pruned) },
      figures: {
        'dense FLOPs': (await countFlops(dense)).flops,
        'pruned FLOPs': (await countFlops(pruned)).flops,
      },
      dispose: () => [input, dense, pruned].forEach((owner) => void owner.dispose()),
    };
  },
});
