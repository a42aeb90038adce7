import {
  gather,
  input,
  layers,
  losses,
  model,
  oneHot,
  slice,
  tensor1d,
  tensor2d,
  tidy,
  train,
  variableGrads,
} from '@tensorflow/tfjs';
import type { LayersModel, Optimizer, Scalar, SymbolicTensor, Tensor, Variable } from '@tensorflow/tfjs';
import { bench } from '@ockham/bench';
import { Random } from '@ockham/core/random';
import { trainableVariables } from '@ockham/core/training';
import { CountSketchEmbedding, SparseAdam, tablesOf } from '@ockham/count-sketch-embed';

const [VOCABULARY, WIDTH, BATCH, LENGTH, COMPRESSION, SEED] = [30_522, 128, 32, 128, 16, 1];

/** Ids of which the k-th most frequent has frequency 1/k. */
function zipf(random: Random, n: number): Int32Array {
  const ids = random.stream('ranks').permutation(VOCABULARY);
  const upTo = new Float64Array(VOCABULARY);
  for (let k = 0, sum = 0; k < VOCABULARY; k++) upTo[k] = sum += 1 / (k + 1);
  const draws = random.stream('draws');
  return Int32Array.from({ length: n }, () => {
    const at = draws.uniform() * upTo[VOCABULARY - 1]!;
    let [low, high] = [0, VOCABULARY - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (upTo[middle]! < at) low = middle + 1;
      else high = middle;
    }
    return ids[low]!;
  });
}

const sketch = (hashes: number) =>
  new CountSketchEmbedding({
    vocabulary: VOCABULARY,
    dimension: WIDTH,
    hashes,
    rows: Math.floor(VOCABULARY / COMPRESSION / hashes),
    seed: SEED,
  });

const classical = () => layers.embedding({ inputDim: VOCABULARY, outputDim: WIDTH });

function classifier(table: layers.Layer): LayersModel {
  const ids = input({ shape: [LENGTH], dtype: 'int32' });
  const pooled = layers.globalAveragePooling1d({}).apply(table.apply(ids));
  return model({ inputs: ids, outputs: layers.dense({ units: 2 }).apply(pooled) as SymbolicTensor });
}

export default bench({
  id: 'count-sketch-embed/embedding-step',
  question: 'How fast are training steps and look-ups of a table compressed 16 times?',
  seed: SEED,
  rounds: 40,
  warmup: 5,
  against: {
    'step: count-sketch, Adam': { 'step: classical table, Adam': 5 },
    'step: count-sketch, SparseAdam': { 'step: classical table, Adam': 5 },
    'look-up: count-sketch, 3 hashes': { 'look-up: gather': 1 / 1.5 },
    'look-up: count-sketch, 4 hashes': { 'look-up: gather': 1 / 1.5 },
    'look-up: count-sketch, 5 hashes': { 'look-up: gather': 0 },
  },
  prepare() {
    const tokens = zipf(new Random(SEED), BATCH * LENGTH);
    const ids = tensor2d(tokens, [BATCH, LENGTH], 'int32');
    const labels = tidy(() =>
      oneHot(
        tensor1d(
          Array.from({ length: BATCH }, (_, i) => i % 2),
          'int32',
        ),
        2,
      ),
    );
    const made: { dispose(): void }[] = [ids, labels];
    const step = (net: LayersModel, optimizerOf: (net: LayersModel) => Optimizer) => {
      const optimizer = optimizerOf(net);
      const variables: Variable[] = trainableVariables(net);
      made.push(net, optimizer);
      return () =>
        tidy(() => {
          const loss = () => losses.softmaxCrossEntropy<Tensor, Scalar>(labels, net.apply(ids) as Tensor);
          const { value, grads } = variableGrads(loss, variables);
          optimizer.applyGradients(grads);
          value.dataSync();
        });
    };
    const adam = () => train.adam(1e-3);
    /** Ten in a row; a number of each is used, which makes the native engine take what it was handed. */
    const lookUp = (vectorsOf: () => Tensor) => () => {
      for (let i = 0; i < 10; i++)
        tidy(() => slice(vectorsOf(), [BATCH - 1, LENGTH - 1, WIDTH - 1], [1, 1, 1]).dataSync());
    };
    const table = classifier(classical());
    const weights = trainableVariables(table)[0]!;
    const variants: Record<string, () => void> = {
      'step: classical table, Adam': step(table, adam),
      'step: count-sketch, Adam': step(classifier(sketch(3)), adam),
      'step: count-sketch, SparseAdam': step(classifier(sketch(3)), (net) => new SparseAdam(tablesOf(net))),
      'look-up: gather': lookUp(() => gather(weights, ids)),
    };
    for (const hashes of [3, 4, 5]) {
      const layer = sketch(hashes);
      made.push(layer);
      variants[`look-up: count-sketch, ${hashes} hashes`] = lookUp(() => layer.apply(ids) as Tensor);
    }
    const figures = {
      'different ids of 4,096 tokens': new Set(tokens).size,
      'numbers, classical': VOCABULARY * WIDTH,
      'numbers, count-sketch': sketch(3).parameters,
    };
    return { variants, figures, dispose: () => made.forEach((each) => each.dispose()) };
  },
});
