/**
 * Dense layers whose weights stay quantised beside the float32 layer of the same engine, wasm: what `tf.layers.dense` runs, with a bias and
 * relu. In the second, the float32 weights of 4096 × 4096 take 64 MB, more than the last-level cache. From packages/core:
 *
 *     OCKHAM_ENGINE=wasm node --conditions=@ockham/source ../../tooling/bench/src/main.ts --only quantized-dense
 *
 * The bench harness stands on this package, so that nothing of it is imported here.
 */
import { fused, randomNormal, zeros, type Rank, type Tensor } from '@tensorflow/tfjs';
import { toFloat16 } from '@ockham/core/files';
import { CODINGS, packCodes, quantizedMatMul, quantizedProducts, type Coding } from '@ockham/core/kernels';
import { Random } from '@ockham/core/random';

/** Calls of a variant in a row, so that one is about a millisecond or more. */
const callsOf = (batch: number, size: number): number => Math.max(1, Math.round(2e7 / (batch * size)));

/** Weights of a coding, all codes; groups of 64 where there are fewer than eight bits. */
function drawn(coding: Coding, inputs: number, outputs: number) {
  const random = new Random(7);
  const { low, high } = CODINGS[coding];
  const values = new Int8Array(inputs * outputs);
  for (const i of values.keys()) {
    const code = low + Math.floor(random.uniform() * (high - low + 1));
    values[i] = coding === 'binary' && code === 0 ? 1 : code;
  }
  const group = coding === 'int4' ? 64 : inputs;
  const scales = toFloat16(new Float32Array((outputs * inputs) / group).fill(0.01));
  return packCodes(values, { coding, outputs, inputs, group, scales });
}

async function prepare(
  sizes: readonly (readonly [inputs: number, outputs: number])[],
  batches: readonly number[],
  codings: readonly Coding[],
) {
  const variants: Record<string, () => void> = {};
  const figures: Record<string, number> = {};
  const made: { dispose(): void }[] = [];
  const kept = <T extends { dispose(): void }>(each: T): T => {
    made.push(each);
    return each;
  };
  const products = await quantizedProducts();
  for (const [inputs, outputs] of sizes) {
    const size = `${inputs} × ${outputs}`;
    const w = kept(randomNormal<Rank.R2>([inputs, outputs], 0, 0.1, 'float32', 7));
    const bias = kept(zeros([outputs]));
    figures[`${size}, float32 bytes`] = 4 * (inputs * outputs);
    const matrices = codings.map(
      (coding) => [coding, kept(products.load(drawn(coding, inputs, outputs)))] as const,
    );
    for (const [coding, { bytes }] of matrices) figures[`${size}, ${coding} bytes`] = bytes;
    for (const batch of batches) {
      const x = kept(randomNormal<Rank.R2>([batch, inputs], 0, 1, 'float32', 8));
      const calls = callsOf(batch, inputs * outputs);
      const repeated = (layer: () => Tensor) => () => {
        for (let i = 0; i < calls; i++) layer().dispose(); // the wasm engine has computed it by now
      };
      const place = `${size}, batch ${batch}`;
      variants[`float32, ${place}`] = repeated(() => fused.matMul({ a: x, b: w, bias, activation: 'relu' }));
      for (const [coding, matrix] of matrices) {
        for (const activations of ['int8', 'float32'] as const) {
          const name = `${coding}${activations === 'int8' ? '' : ', float32 rows'}, ${place}`;
          variants[name] = repeated(() =>
            quantizedMatMul(x, matrix, { bias, activation: 'relu', activations }),
          );
        }
      }
    }
  }
  return { variants, figures, dispose: () => made.forEach((each) => each.dispose()) };
}

/** Each variant against float32 of its size and batch, with what is wanted of some. */
function against(
  sizes: readonly string[],
  batches: readonly number[],
  codings: readonly Coding[],
  wanted: (name: string) => number,
): Record<string, Record<string, number>> {
  const names = sizes.flatMap((size) => batches.map((batch) => `${size}, batch ${batch}`));
  return Object.fromEntries(
    names.flatMap((place) =>
      codings.flatMap((coding) =>
        [coding, `${coding}, float32 rows`].map((kind) => [
          `${kind}, ${place}`,
          { [`float32, ${place}`]: wanted(`${kind}, ${place}`) },
        ]),
      ),
    ),
  );
}

const small = {
  id: 'core/quantized-dense',
  question: 'How much faster is a dense layer in int8, at batch 1 and 32?',
  engine: 'wasm',
  seed: 7,
  rounds: 30,
  warmup: 5,
  against: against(['1024 × 1024', '256 × 1024'], [1, 32], ['int8'], (name) =>
    name.includes('rows') ? 0 : 1.5,
  ),
  prepare: () =>
    prepare(
      [
        [1024, 1024],
        [256, 1024],
      ],
      [1, 32],
      ['int8'],
    ),
};

const LARGE = ['int8', 'int4', 'int2', 'ternary', 'binary'] as const;

const large = {
  id: 'core/quantized-dense-large',
  question: 'How much faster is a dense layer of few bits whose float32 weights are larger than the cache?',
  engine: 'wasm',
  seed: 7,
  rounds: 20,
  warmup: 3,
  against: against(['4096 × 4096'], [1, 32], LARGE, (name) =>
    name === 'int4, 4096 × 4096, batch 1' ? 1.3 : name.startsWith('int8, 4') ? 1.5 : 0,
  ),
  prepare: () => prepare([[4096, 4096]], [1, 32], LARGE),
};

export default [small, large];
