/**
 * Inference that skips the zeros of a pruned model: dense layers and convolutions take their weights in the
 * sparse form that is measured to be the fastest, or stay dense.
 */
import { backend, getBackend, tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { kernelsOf } from '../backend/wasm-kernels/attach.ts';
import { registerSparse, type SparseForm } from '../backend/wasm-kernels/sparse-weights.ts';
import { ArgumentError, UnsupportedModelError } from '../errors.ts';
import { checkModel } from '../models/check-model.ts';
import { cloneModel } from '../models/clone-model.ts';
import { flatLayers, variableOf, type Layer } from '../training/layers.ts';
import { callDirectly, predictDirectly } from './direct-predict.ts';
import { inputShapeOf, measureForms } from './measure-forms.ts';
import { sparseFormsOf } from './sparse-forms.ts';

export type { SparseForm };

/** Options of {@link sparsify}. */
export interface SparsifyOptions {
  /** Batch sizes to measure and choose for; another goes with the nearest in ratio. Default `[1, 32]`. */
  readonly batch?: readonly number[];
  /** Timed runs of each form of each layer, ≥ 1; their median counts. Default 9. */
  readonly repeats?: number;
  /** Kernels with a larger fraction of non-zeros are left dense without being measured, in [0, 1]. Default 0.5. */
  readonly maxDensity?: number;
}

/** What was found for one layer and chosen. */
export interface SparseLayer {
  /** Path of the layer. */
  readonly layer: string;
  /** Non-zeros ÷ weights of its kernel. */
  readonly density: number;
  /** For each batch size: the dense layer's time ÷ that of its fastest sparse form; none where it was not measured. */
  readonly speedup: Readonly<Record<number, number>>;
  /**
   * The form that was chosen for each batch size measured: `rows` of single entries; `blocks` of four consecutive outputs of
   * one input; `groups` of four inputs of which each output has at most n, n:4; or `dense`.
   */
  readonly form: Readonly<Record<number, SparseForm | 'dense'>>;
  /** Why a layer was not measured. */
  readonly reason?: string;
}

/** What {@link sparsify} returns. */
export interface SparseModel {
  /** A copy with the same weights, an ordinary model: it saves, trains and answers as any; new weights are dense again. */
  readonly model: LayersModel;
  /** What was found and chosen for each layer with a kernel. */
  readonly layers: readonly SparseLayer[];
  /** Disposes of the copy and its sparse weights. */
  dispose(): void;
}

/**
 * A copy of a pruned model that predicts faster on the wasm engine. Predictions are those of the given model but for the
 * order of sums.
 *
 * @param model Its zeros are what is skipped. It stays as it was.
 * @throws ArgumentError for options out of range or a model that was disposed.
 * @throws UnsupportedModelError on another engine than wasm with SIMD, where zeros make nothing faster.
 *
 * @example
 * const { model: fast, layers } = await sparsify(pruned, { batch: [1] });
 * const y = fast.predict(x);
 */
export async function sparsify(model: LayersModel, options: SparsifyOptions = {}): Promise<SparseModel> {
  const { batch = [1, 32], repeats = 9, maxDensity = 0.5 } = options;
  const positive = (n: number): boolean => Number.isInteger(n) && n >= 1;
  if (batch.length === 0 || !batch.every(positive))
    throw new ArgumentError(`sparsify: batch must be integers ≥ 1, got [${batch.join(', ')}].`);
  if (!positive(repeats))
    throw new ArgumentError(`sparsify: repeats must be an integer ≥ 1, got ${repeats}.`);
  if (!(maxDensity >= 0 && maxDensity <= 1))
    throw new ArgumentError(`sparsify: maxDensity must be in [0, 1], got ${maxDensity}.`);
  checkModel('sparsify', model);
  const attached = kernelsOf(backend());
  if (!attached) {
    throw new UnsupportedModelError(
      `sparsify: zeros are skipped on the wasm engine with SIMD only, the engine is ${getBackend()}. Call useBackend('wasm') first, or use pruneStructured, which is faster on every engine.`,
    );
  }
  const copy = await cloneModel(model);
  const undo: (() => void)[] = [];
  try {
    const layers: SparseLayer[] = [];
    for (const layer of flatLayers(copy)) {
      const weight = layer.weights.find(({ originalName }) => originalName.endsWith('/kernel'));
      if (!weight) continue;
      const values = (await variableOf(weight).data<'float32'>()).slice();
      const density = values.reduce((count, value) => count + Number(value !== 0), 0) / values.length;
      const reason = reasonAgainst(layer, density, maxDensity);
      if (reason !== undefined) {
        layers.push({ layer: layer.name, density, speedup: {}, form: {}, reason });
        continue;
      }
      const outputs = weight.shape.at(-1)!;
      const isDense = layer.getClassName() === 'Dense';
      const forms = sparseFormsOf(values, values.length / outputs, outputs, isDense);
      const own = tensor(values, weight.shape as number[]); // the copy shares its values with the given model
      variableOf(weight).assign(own);
      own.dispose();
      if (isDense) callDirectly(layer);
      const { speedup, form } = measureForms(attached, layer, variableOf(weight), forms, batch, repeats);
      layers.push({ layer: layer.name, density, speedup, form });
      const nearest = (n: number): number =>
        batch.reduce((a, b) => (Math.abs(Math.log(b / n)) < Math.abs(Math.log(a / n)) ? b : a));
      const formFor = (n: number): SparseForm | undefined => {
        const chosen = form[nearest(n)]!;
        return chosen === 'dense' ? undefined : chosen;
      };
      const taken = new Set(Object.values(form));
      if (!taken.has('dense') || taken.size > 1) {
        const { blocks, groups, ...always } = forms;
        const kept = {
          ...always,
          ...(blocks && taken.has('blocks') && { blocks }),
          ...(groups && taken.has('groups') && { groups }),
        };
        undo.push(registerSparse(attached, variableOf(weight), kept, formFor));
      }
    }
    if (undo.length > 0) predictDirectly(copy);
    return {
      model: copy,
      layers,
      dispose() {
        for (const step of undo.splice(0)) step();
        copy.dispose();
      },
    };
  } catch (error) {
    for (const step of undo) step();
    copy.dispose();
    throw error;
  }
}

function reasonAgainst(layer: Layer, density: number, maxDensity: number): string | undefined {
  const name = layer.getClassName();
  const { dataFormat } = layer as unknown as { dataFormat?: string };
  if (name !== 'Dense' && name !== 'Conv2D') return `no sparse form of ${name}`;
  if (density > maxDensity) return `more than ${maxDensity} of its weights are left`;
  if (name === 'Conv2D' && dataFormat === 'channelsFirst') return 'channels first';
  const shape = inputShapeOf(layer);
  if (!shape || shape.slice(1).some((size) => size === null)) return 'its input size is open';
  return undefined;
}
