/**
 * Sparse pruning: single weights become 0.
 *
 * Paper: section 3.2.4, item 1. Source: sparse pruning of DeepSpeed Compression, with the criteria l1 and SNIP (Lee, Ajanthan and
 * Torr 2019, equation 6).
 * Deviations: DeepSpeed's `snip_momentum` gathers |w · g| over steps; here it is gathered over the batches of the data given.
 */
import { dispose, mul, tensor, tidy, type Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ArgumentError, NothingChangedError, throwIfAborted, type Split } from '@ockham/core';
import { cloneModel } from '@ockham/core/models';
import { checkFit, meanGradients, variableOf, type Loss, type UpdateConstraint } from '@ockham/core/training';
import { quantizableWeights, type QuantizableWeight } from '../quantizable.ts';
import { someQuantizable } from '../training/quantized-forward.ts';

/** Options of {@link pruneSparse}. */
export interface PruneSparseOptions {
  /** Part of the weights that stays, in (0, 1). DeepSpeed's dense ratio. */
  readonly keep: number;
  /** `magnitude`: |w|; `snip`: |w · ∂L/∂w|, summed over batches. Default `magnitude`. */
  readonly criterion?: 'magnitude' | 'snip';
  /** Whether each matrix keeps that part, or all of them together. Default `layer`, as DeepSpeed. */
  readonly scope?: 'layer' | 'model';
  /** For `snip`. */
  readonly data?: Split;
  /** Examples in a batch of `snip`. Default 64. */
  readonly batchSize?: number;
  /** As in `train`. Default `crossEntropy`. */
  readonly loss?: Loss;
  /** Which layers, by path. Default all with a matrix. */
  readonly only?: RegExp;
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal;
}

/** What {@link pruneSparse} made. */
export interface SparseModel {
  /** Of the same size, with zeros; owned by the caller. */
  readonly model: LayersModel;
  /** Zeros that a matrix has now, by path, and how many of them are new. */
  readonly layers: ReadonlyMap<
    string,
    { readonly parameters: number; readonly zeros: number; readonly fresh: number }
  >;
}

/**
 * A copy of a model with zeros for its least important weights. It is neither smaller nor faster in memory: `encodeSparseModel`
 * and `sparsify` of `@ockham/fw-prune` make use of zeros, {@link holdZeros} keeps them while training goes on.
 *
 * @param model Not changed.
 * @throws ArgumentError for options out of range; NothingChangedError where no weight becomes 0; UnsupportedModelError where
 *   there is no matrix.
 *
 * @example
 * const { model: sparse } = await pruneSparse(model, { keep: 0.1 });
 * await train(sparse, data.train, { epochs: 1, constraint: await holdZeros(sparse) });
 */
export async function pruneSparse(model: LayersModel, options: PruneSparseOptions): Promise<SparseModel> {
  const {
    keep,
    criterion = 'magnitude',
    scope = 'layer',
    data,
    loss,
    only,
    batchSize = 64,
    signal,
  } = options;
  const who = 'pruneSparse';
  if (!(keep > 0 && keep < 1)) throw new ArgumentError(`${who}: keep must be in (0, 1), got ${keep}.`);
  if (criterion !== 'magnitude' && criterion !== 'snip')
    throw new ArgumentError(`${who}: criterion must be magnitude or snip, got ${String(criterion)}.`);
  if (criterion === 'snip' && !data) throw new ArgumentError(`${who}: the criterion snip needs data. Pass some, or take magnitude.`); // prettier-ignore
  if (!(Number.isInteger(batchSize) && batchSize >= 1))
    throw new ArgumentError(`${who}: batchSize must be an integer ≥ 1, got ${batchSize}.`);
  if (data) checkFit(who, model, data, { loss: loss ?? 'crossEntropy' });
  const sites = someQuantizable(who, model).filter(({ path }) => only?.test(path) ?? true);
  const values = await Promise.all(sites.map(({ variable }) => variable.data<'float32'>()));
  const scores = criterion === 'snip' && data ? await saliencies(model, sites, values, { ...options, data, batchSize }) : values.map((w) => w.map(Math.abs)); // prettier-ignore
  throwIfAborted(signal, who);
  const kept = scope === 'layer' ? scores.map((one) => largest([one], keep)[0]!) : largest(scores, keep);
  const found = values.map((w, i) => w.map((value, at) => (kept[i]![at] === 1 ? value : 0)));
  const layers = new Map(
    sites.map(({ path }, i) => {
      const zeros = countZeros(found[i]!);
      return [path, { parameters: values[i]!.length, zeros, fresh: zeros - countZeros(values[i]!) }];
    }),
  );
  if ([...layers.values()].every(({ fresh }) => fresh === 0))
    throw new NothingChangedError(`${who}: keep ${keep} makes no weight 0 that is not. Keep less, or name other layers.`); // prettier-ignore
  const sparse = await cloneModel(model);
  const copies = quantizableWeights(sparse).filter(({ path }) => only?.test(path) ?? true);
  for (const [i, { variable }] of copies.entries()) {
    const fresh = tensor(found[i]!, variable.shape);
    variable.assign(fresh);
    fresh.dispose();
  }
  return { model: sparse, layers };
}

/** Keeps the zeros of a model's matrices while `train` changes the rest; the caller disposes of it when training is done. */
export async function holdZeros(model: LayersModel): Promise<UpdateConstraint & { dispose(): void }> {
  const masks = new Map<string, Tensor>();
  for (const { variable } of quantizableWeights(model)) {
    const values = await variable.data<'float32'>();
    if (values.includes(0)) masks.set(variable.name, tensor(values.map((value) => (value === 0 ? 0 : 1)), variable.shape)); // prettier-ignore
  }
  const variables = new Map(
    model.trainableWeights.map((weight) => [variableOf(weight).name, variableOf(weight)]),
  );
  return {
    gradients: (gradients) =>
      Object.fromEntries(
        Object.entries(gradients).map(([name, g]) => [name, masks.has(name) ? mul(g, masks.get(name)!) : g]),
      ),
    apply() {
      for (const [name, mask] of masks) {
        const variable = variables.get(name);
        if (variable) tidy(() => variable.assign(mul(variable, mask)));
      }
    },
    dispose: () => dispose([...masks.values()]),
  };
}

/** Σ over batches of |w · ∂L/∂w|. */
async function saliencies(
  model: LayersModel,
  sites: readonly QuantizableWeight[],
  values: readonly Float32Array[],
  {
    data,
    loss,
    batchSize,
    signal,
  }: PruneSparseOptions & { readonly data: Split; readonly batchSize: number },
): Promise<Float32Array[]> {
  const sums = values.map((w) => new Float32Array(w.length));
  for (let from = 0; from < data.size; from += batchSize) {
    throwIfAborted(signal, 'pruneSparse');
    const rows = Int32Array.from({ length: Math.min(batchSize, data.size - from) }, (_, i) => from + i);
    const gradients = meanGradients(model, data, { indexes: rows, ...(loss !== undefined && { loss }) });
    for (const [i, { variable }] of sites.entries()) {
      const g = await gradients[variable.name]?.data<'float32'>(); // none where it is frozen
      if (g) for (let at = 0; at < g.length; at++) sums[i]![at]! += Math.abs(values[i]![at]! * g[at]!);
    }
    for (const gradient of Object.values(gradients)) gradient.dispose();
  }
  return sums;
}

/** A byte for each score, 1 for the `part` that is largest; of equal ones the first. */
function largest(scores: readonly Float32Array[], part: number): Uint8Array[] {
  const total = scores.reduce((sum, { length }) => sum + length, 0);
  const all = new Float32Array(total);
  let end = 0;
  for (const one of scores) {
    all.set(one, end);
    end += one.length;
  }
  const count = Math.round(part * total);
  const least = count === 0 ? Infinity : all.sort()[total - count]!;
  let equal = count - all.reduce((above, score) => above + (score > least ? 1 : 0), 0);
  return scores.map((one) =>
    Uint8Array.from(one, (score) => (score > least || (score === least && equal-- > 0) ? 1 : 0)),
  );
}

function countZeros(values: Float32Array): number {
  return values.reduce((count, value) => count + (value === 0 ? 1 : 0), 0);
}
