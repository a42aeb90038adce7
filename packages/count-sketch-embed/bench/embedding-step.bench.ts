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
import {
  CountSketchEmbedding,
  RobeEmbedding,
  SparseAdam,
  tablesOf,
  type Signs,
} from '@ockham/count-sketch-embed';

const [VOCABULARY, WIDTH, BATCH, COMPRESSION, SEED] = [30_522, 128, 32, 16, 1];
/** Tokens of a text: of a sentence, as SST-2 has, and of a document. */
const [SHORT, LONG] = [32, 128];

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

const sketch = (hashes: number, signs: Signs = true) =>
  new CountSketchEmbedding({
    vocabulary: VOCABULARY,
    dimension: WIDTH,
    hashes,
    rows: Math.floor(VOCABULARY / COMPRESSION / hashes),
    signs,
    seed: SEED,
  });

const robe = () =>
  new RobeEmbedding({
    vocabulary: VOCABULARY,
    dimension: WIDTH,
    size: Math.floor((VOCABULARY * WIDTH) / COMPRESSION),
    block: 32,
    seed: SEED,
  });

const classical = () => layers.embedding({ inputDim: VOCABULARY, outputDim: WIDTH });

/** The least that can be trained on a table: mean and two classes. */
function classifier(table: layers.Layer): LayersModel {
  const ids = input({ shape: [null], dtype: 'int32' });
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
    'step of 32 × 32: count-sketch, Adam': { 'step of 32 × 32: classical table, Adam': 5 },
    'step of 32 × 32: count-sketch, SparseAdam': { 'step of 32 × 32: classical table, Adam': 5 },
    'step of 32 × 32: ROBE-Z, Adam': { 'step of 32 × 32: classical table, Adam': 0 },
    'step of 32 × 128: count-sketch, Adam': { 'step of 32 × 128: classical table, Adam': 5 },
    'step of 32 × 128: count-sketch, SparseAdam': { 'step of 32 × 128: classical table, Adam': 5 },
    'step of 32 × 128: ROBE-Z, Adam': { 'step of 32 × 128: classical table, Adam': 0 },
    'look-up: count-sketch, 3 hashes': { 'look-up: gather': 1 / 1.5 },
    'look-up: count-sketch, 4 hashes': { 'look-up: gather': 1 / 1.5 },
    'look-up: count-sketch, 5 hashes': { 'look-up: gather': 0 },
    'look-up: count-sketch, 3 hashes, signs of coordinates': { 'look-up: gather': 0 },
    'look-up: ROBE-Z': { 'look-up: gather': 1 / 1.3 },
  },
  prepare() {
    const tokens = zipf(new Random(SEED), BATCH * LONG);
    const ids = tensor2d(tokens, [BATCH, LONG], 'int32');
    const few = tensor2d(tokens.subarray(0, BATCH * SHORT), [BATCH, SHORT], 'int32');
    const labels = tidy(() =>
      oneHot(
        tensor1d(
          Array.from({ length: BATCH }, (_, i) => i % 2),
          'int32',
        ),
        2,
      ),
    );
    const made: { dispose(): void }[] = [ids, few, labels];
    /** Five in a row, as training has them: the next finds in the caches what one has left. */
    const step = (texts: Tensor, net: LayersModel, optimizerOf: (net: LayersModel) => Optimizer) => {
      const optimizer = optimizerOf(net);
      const variables: Variable[] = trainableVariables(net);
      made.push(net, optimizer);
      const once = () => {
        const loss = () => losses.softmaxCrossEntropy<Tensor, Scalar>(labels, net.apply(texts) as Tensor);
        const { value, grads } = variableGrads(loss, variables);
        optimizer.applyGradients(grads);
        value.dataSync();
      };
      return () => {
        for (let i = 0; i < 5; i++) tidy(once);
      };
    };
    const adam = () => train.adam(1e-3);
    /** Ten in a row; a number of each is used, which makes the native engine take what it was handed. */
    const lookUp = (vectorsOf: () => Tensor) => () => {
      for (let i = 0; i < 10; i++)
        tidy(() => slice(vectorsOf(), [BATCH - 1, LONG - 1, WIDTH - 1], [1, 1, 1]).dataSync());
    };
    const table = classifier(classical());
    const weights = trainableVariables(table)[0]!;
    const variants: Record<string, () => void> = { 'look-up: gather': lookUp(() => gather(weights, ids)) };
    for (const texts of [few, ids]) {
      const name = `step of ${texts.shape.join(' × ')}`;
      variants[`${name}: classical table, Adam`] = step(
        texts,
        texts === ids ? table : classifier(classical()),
        adam,
      );
      variants[`${name}: count-sketch, Adam`] = step(texts, classifier(sketch(3)), adam);
      variants[`${name}: count-sketch, SparseAdam`] = step(
        texts,
        classifier(sketch(3)),
        (net) => new SparseAdam(tablesOf(net)),
      );
      variants[`${name}: ROBE-Z, Adam`] = step(texts, classifier(robe()), adam);
    }
    const compressed: Record<string, layers.Layer> = {
      'count-sketch, 3 hashes': sketch(3),
      'count-sketch, 4 hashes': sketch(4),
      'count-sketch, 5 hashes': sketch(5),
      'count-sketch, 3 hashes, signs of coordinates': sketch(3, 'coordinate'),
      'ROBE-Z': robe(),
    };
    for (const [name, layer] of Object.entries(compressed)) {
      made.push(layer);
      variants[`look-up: ${name}`] = lookUp(() => layer.apply(ids) as Tensor);
    }
    const figures = {
      'different ids of 4,096 tokens': new Set(tokens).size,
      'numbers, classical': VOCABULARY * WIDTH,
      'numbers, count-sketch': sketch(3).parameters,
    };
    return { variants, figures, dispose: () => made.forEach((each) => each.dispose()) };
  },
});
