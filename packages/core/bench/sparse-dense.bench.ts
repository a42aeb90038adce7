/**
 * A dense layer of 1024 × 1024 with most of its weights at zero, batch 1 and 32, measured twice: our sparse kernels against our
 * dense kernels, alone, on a memory of their own (for batch 1 the faster of two: one that streams the weights); and `predict` of a sparsified model against that of the dense one, whose
 * product is the engine's. From packages/core:
 *
 *     OCKHAM_ENGINE=wasm node --conditions=@ockham/source ../../tooling/bench/src/main.ts --only sparse-dense
 *
 * A variant is called twenty times in a row (batch 1) or three (batch 32). The bench harness stands on this package, so that nothing of
 * it is imported here.
 */
import {
  layers,
  randomNormal,
  sequential,
  tensor,
  zeros,
  type LayersModel,
  type Tensor,
} from '@tensorflow/tfjs';
import {
  bindKernels,
  compileKernels,
  groupTable,
  sparseBlocksOf,
  sparseGroupsOf,
  sparseRowsOf,
  sparseSlicesOf,
  sparsify,
} from '@ockham/core/kernels';
import { Random } from '@ockham/core/random';

const N = 1024;
const CALLS: Record<number, number> = { 1: 20, 32: 3 };
const BATCHES = [1, 32];
const random = new Random(7);
const full = Float32Array.from({ length: N * N }, () => random.normal());

/** Keeps weights `[inputs, outputs]` with a probability; `keep` is asked once for each group of equal `key`. */
const thinned = (probability: number, key = (i: number) => i): Float32Array => {
  const kept = new Map<number, boolean>();
  return full.map((value, i) => {
    const group = key(i);
    if (!kept.has(group)) kept.set(group, random.uniform() < probability);
    return kept.get(group) ? value : 0;
  });
};

/** Keeps the two largest of each four consecutive inputs of an output. */
const twoOfFour = (): Float32Array => {
  const values = full.slice();
  for (let o = 0; o < N; o++) {
    for (let k = 0; k < N; k += 4) {
      const at = [0, 1, 2, 3].map((i) => (k + i) * N + o);
      at.sort((a, b) => Math.abs(full[a]!) - Math.abs(full[b]!));
      values[at[0]!] = values[at[1]!] = 0;
    }
  }
  return values;
};

const WEIGHTS: Readonly<Record<string, Float32Array>> = {
  '90 % zeros': thinned(0.1),
  '95 % zeros': thinned(0.05),
  '4×1 blocks, 90 % zeros': thinned(0.1, (i) => i >> 2),
  '2:4': twoOfFour(),
};

const repeated = (times: number, run: () => void) => () => {
  for (let i = 0; i < times; i++) run();
};

/** Kernels alone, on one memory. */
async function kernelVariants(): Promise<Record<string, () => void>> {
  const memory = new WebAssembly.Memory({ initial: 1024, maximum: 65536 });
  const kernels = bindKernels(await compileKernels(), memory);
  let next = 64;
  const place = (array: Float32Array | Int32Array | Uint16Array | Uint8Array): number => {
    const at = next;
    next += 64 * Math.ceil(array.byteLength / 64 + 1);
    if (next > memory.buffer.byteLength) memory.grow(Math.ceil((next - memory.buffer.byteLength) / 65536));
    new Uint8Array(memory.buffer, at, array.byteLength).set(
      new Uint8Array(array.buffer, array.byteOffset, array.byteLength),
    );
    return at;
  };
  const x = place(Float32Array.from({ length: 32 * N }, () => random.normal()));
  const y = place(new Float32Array(32 * N));
  const scratch = place(new Float32Array(N + 16));
  const workspace = place(new Uint8Array(kernels.workspaceBytes()));
  const [turned, result] = [place(new Float32Array(32 * N)), place(new Float32Array(32 * N))];
  const table = place(groupTable());
  const weight = place(full);
  const open = [-Infinity, Infinity] as const;
  const variants: Record<string, () => void> = {};
  for (const batch of BATCHES) {
    variants[`kernel, ${batch === 1 ? 'dense by gemm' : 'dense'}, batch ${batch}`] = repeated(
      CALLS[batch]!,
      () => kernels.gemm(false, false, batch, N, N, x, N, weight, N, y, N, workspace),
    );
  }
  const whole = sparseBlocksOf(full, N, N); // every weight, read in one stream: faster with one vector than gemm, which packs
  const [wholeStarts, wholeOffsets] = [place(whole.starts), place(whole.columns.map((c) => 4 * c))];
  const wholeValues = place(whole.values);
  variants['kernel, dense, batch 1'] = repeated(CALLS[1]!, () =>
    kernels.blockVector(N, wholeStarts, wholeOffsets, wholeValues, x, 0, y, ...open),
  );
  for (const [name, values] of Object.entries(WEIGHTS)) {
    const rows = sparseRowsOf(values, N, N);
    const slices = sparseSlicesOf(rows, 0, N);
    const blocks = sparseBlocksOf(values, N, N);
    const blocked = name.startsWith('4×1');
    let vector: () => void;
    if (name === '2:4') {
      const groups = sparseGroupsOf(values, N, N);
      const [held, places] = [place(groups.values), place(groups.places)];
      vector = () => kernels.groupVector(N, N, groups.slots, held, places, table, x, scratch, 0, y, ...open);
    } else if (blocked) {
      const [starts, offsets] = [place(blocks.starts), place(blocks.columns.map((c) => 4 * c))];
      const held = place(blocks.values);
      vector = () => kernels.blockVector(N, starts, offsets, held, x, 0, y, ...open);
    } else {
      const [order, starts, offsets] = [place(slices.order), place(slices.starts), place(slices.offsets)];
      const held = place(slices.values);
      vector = () => kernels.sparseVector(N, N, order, starts, offsets, held, x, scratch, 0, y, ...open);
    }
    variants[`kernel, ${name}, batch 1`] = repeated(CALLS[1]!, vector);
    const entries = blocked ? blocks : rows;
    const [starts, offsets] = [place(entries.starts), place(entries.columns.map((c) => 4 * 32 * c))];
    const held = place(entries.values);
    const product = blocked ? kernels.blockProduct : kernels.sparseProduct;
    variants[`kernel, ${name}, batch 32`] = repeated(CALLS[32]!, () => {
      kernels.transpose(32, N, x, N, turned, 32);
      product(N, 32, starts, offsets, held, turned, result, 32, 0, ...open);
      kernels.transpose(N, 32, result, 32, y, N);
    });
  }
  return variants;
}

const layer = (values: Float32Array): LayersModel => {
  const model = sequential({ layers: [layers.dense({ inputShape: [N], units: N, activation: 'relu' })] });
  const weights = [tensor(values, [N, N]), zeros([N])];
  model.setWeights(weights);
  for (const w of weights) w.dispose();
  return model;
};

export default {
  id: 'core/sparse-dense',
  question: 'How much faster is a dense layer of 1024 × 1024 when its zeros are skipped?',
  engine: 'wasm',
  rounds: 30,
  warmup: 10,
  against: Object.fromEntries(
    ['kernel', 'predict'].flatMap((what) =>
      Object.keys(WEIGHTS).flatMap((name) =>
        BATCHES.map((batch) => [`${what}, ${name}, batch ${batch}`, `${what}, dense, batch ${batch}`]),
      ),
    ),
  ),
  async prepare() {
    const variants = await kernelVariants();
    const made: { dispose(): void }[] = [];
    const inputs = BATCHES.map((batch) => [batch, randomNormal([batch, N], 0, 1, 'float32', 1)] as const);
    const predictions = (name: string, model: LayersModel): void => {
      for (const [batch, x] of inputs) {
        variants[`predict, ${name}, batch ${batch}`] = repeated(CALLS[batch]!, () => {
          const y = model.predict(x) as Tensor;
          y.dataSync();
          y.dispose();
        });
      }
    };
    const dense = layer(full);
    made.push(dense, ...inputs.map(([, x]) => x));
    predictions('dense', dense);
    for (const [name, values] of Object.entries(WEIGHTS)) {
      const model = layer(values);
      const sparse = await sparsify(model, { batch: BATCHES, repeats: 25 });
      made.push(model, sparse);
      predictions(name, sparse.model);
    }
    return { variants, dispose: () => made.forEach((each) => each.dispose()) };
  },
};
