import { dispose, randomNormal, tensor, tidy } from '@tensorflow/tfjs';
import type { Tensor } from '@tensorflow/tfjs';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { bench } from '@ockham/bench';
import { Random } from '@ockham/core/random';
import { mlp, tableOneCnn } from '@ockham/core/models';
import { sparsify } from '@ockham/fw-prune';

/** Keeps a fraction of every kernel's weights, drawn. */
function thinned(model: LayersModel, density: number): LayersModel {
  const random = new Random(1);
  tidy(() => {
    model.setWeights(
      model.getWeights().map((w, i) => {
        if (w.rank < 2) return w;
        const stream = random.stream(i);
        return tensor(
          Float32Array.from(w.dataSync<'float32'>(), (v) => (stream.uniform() < density ? v : 0)),
          w.shape,
        );
      }),
    );
  });
  return model;
}

const SUBJECTS = {
  'dense layer 1024 × 1024': {
    build: () => mlp({ inputShape: [1024], units: [], classes: 1024, output: 'logits', seed: 1 }),
    shape: [1024],
  },
  'Table-1 network': { build: () => tableOneCnn({ seed: 1 }), shape: [28, 28, 1] },
} as const;
const DENSITIES = [0.1, 0.05];
const BATCHES = [1, 32, 128];
/** Calls in a row of each batch size: a call at batch 1 is shorter than what the other variants leave in caches. */
const CALLS: Readonly<Record<number, number>> = { 1: 20, 32: 2, 128: 1 };

export default bench({
  id: 'fw-prune/sparse-inference',
  question: 'How much faster does a pruned model predict when its zeros are skipped?',
  engine: 'wasm',
  warmup: 10,
  against: Object.fromEntries(
    Object.keys(SUBJECTS).flatMap((name) =>
      DENSITIES.flatMap((density) =>
        BATCHES.map((batch) => [
          `${name}, ${density * 100} % left, batch ${batch}`,
          `${name}, dense, batch ${batch}`,
        ]),
      ),
    ),
  ),
  async prepare() {
    const made: { dispose(): void }[] = [];
    const variants: Record<string, () => void> = {};
    const predict = (model: LayersModel, x: Tensor) => () => {
      for (let i = 0; i < CALLS[x.shape[0]]!; i++) {
        const y = model.predict(x) as Tensor; // 128 examples go in four parts, its default
        y.dataSync();
        y.dispose();
      }
    };
    for (const [name, { build, shape }] of Object.entries(SUBJECTS)) {
      const inputs = BATCHES.map(
        (batch) => [batch, randomNormal([batch, ...shape], 0, 1, 'float32', 1)] as const,
      );
      const dense = build();
      made.push(dense, { dispose: () => dispose(inputs.map(([, x]) => x)) });
      for (const [batch, x] of inputs) variants[`${name}, dense, batch ${batch}`] = predict(dense, x);
      for (const density of DENSITIES) {
        const model = thinned(build(), density);
        const sparse = await sparsify(model, { batch: BATCHES, repeats: 25 });
        made.push(model, sparse);
        for (const [batch, x] of inputs)
          variants[`${name}, ${density * 100} % left, batch ${batch}`] = predict(sparse.model, x);
      }
    }
    return { variants, dispose: () => made.forEach((each) => each.dispose()) };
  },
});
