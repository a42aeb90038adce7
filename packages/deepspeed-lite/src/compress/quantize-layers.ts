/** Packs the weights of a model, one layer after another. */
import { takeExamples, type Split } from '@ockham/core';
import { layerPaths } from '@ockham/core/graph';
import type { PackedMatrix } from '@ockham/core/kernels';
import { variableOf, type Layer } from '@ockham/core/training';
import {
  add,
  dispose,
  reshape,
  stridedSlice,
  tensor,
  tensor1d,
  tidy,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { fakeQuantizeActivations, type ActivationGrid } from './activation-grid.ts';
import { staticGrid } from './calibrate.ts';
import { addRows, fitLayer, noSums } from './fit-layer.ts';
import { quantize } from './grid.ts';
import { denseRows } from './dense-rows.ts';
import type { CompressOptions, PlannedWeight } from './options.ts';
import { patchesOf, type PatchSizes } from './patches.ts';
import { fromRows, toRows } from './quantizable.ts';
import { sweep, type Turn } from './sweep.ts';

/** A layer whose weight is packed. */
export interface PackedLayer {
  readonly weight: PlannedWeight;
  /** `kernel` or `embeddings`, and `down` and `up` of a compensation. */
  readonly matrices: ReadonlyMap<string, PackedMatrix>;
  readonly activations: ActivationGrid | null;
}

/** Rows of inputs that a layer is fitted to, at most: several for each input of a wide layer. */
const FIT_ROWS = 8192;

/**
 * Packs the planned weights. Where examples are needed, for static activations or for distillation, they pass through the
 * model and its copy once.
 *
 * @param copy Of the model. Where examples pass, its weights become those that the packed ones stand for, for what follows to see;
 *   biases move with the means.
 */
export async function quantizeLayers(
  who: string,
  model: LayersModel,
  copy: LayersModel,
  planned: readonly PlannedWeight[],
  train: Split,
  options: CompressOptions,
): Promise<PackedLayer[]> {
  const { quantize: choice, distill = false, examples = 128, progress, signal } = options;
  const byLayer = new Map(planned.map((weight) => [weight.layer, weight]));
  const packed = new Map<PlannedWeight, PackedLayer>();
  const isStatic = choice.activations === 8 && (choice.calibration ?? 'dynamic') !== 'dynamic';
  const report = (): void => progress?.({ stage: 'quantise', done: packed.size, total: planned.length });
  if (distill || isStatic) {
    const visit = async (turn: Turn): Promise<void> => {
      const weight = byLayer.get(turn.layer);
      if (!weight) return;
      packed.set(weight, await packLayer(weight, turn.copy, options, turn));
      report();
    };
    await sweep(who, model, copy, takeExamples(train, examples), visit, signal);
  }
  const copies = new Map([...layerPaths(copy)].map(([layer, path]) => [path, layer]));
  for (const weight of planned) {
    if (packed.has(weight)) continue;
    packed.set(weight, await packLayer(weight, copies.get(weight.path)!, options, undefined));
    report();
  }
  return planned.map((weight) => packed.get(weight)!);
}

async function packLayer(
  weight: PlannedWeight,
  copy: Layer,
  options: CompressOptions,
  turn: Turn | undefined,
): Promise<PackedLayer> {
  const { lowRank = 0, distill = false } = options;
  const { rule, outputs, inputs, grid, variable } = weight;
  const sizes = [outputs, inputs] as const;
  const rows = toRows(await variable.data<'float32'>(), outputs, inputs, rule);
  const activations = rule.weight === 'kernel' ? await activationsOf(options, turn) : null;
  const fits =
    turn !== undefined && distill && rule.weight === 'kernel' && turn.layer.inboundNodes.length === 1;
  let target = rows;
  let kernel: PackedMatrix;
  if (fits) {
    const bias = copy.weights.find(({ originalName }) => originalName.endsWith('/bias'));
    const fitted = fitLayer(rows, sizes, grid, await sumsOf(weight, turn, activations), bias !== undefined);
    [kernel, target] = [fitted.packed, fitted.target];
    if (bias) tidy(() => variableOf(bias).assign(add(bias.read(), tensor1d(fitted.biasChange))));
  } else {
    kernel = quantize(rows, sizes, grid);
  }
  const compensated = lowRank > 0 && weight.layer.getClassName() === 'Dense';
  const matrices = new Map<string, PackedMatrix>([[rule.weight, kernel]]);
  if (compensated) {
    const { lowRankOf } = await import('./low-rank.ts'); // with a singular value decomposition, which few ask for
    const { down, up } = lowRankOf(target, kernel, lowRank);
    matrices.set('down', down).set('up', up);
  }
  if (!turn) return { weight, matrices, activations };
  const { shape, values } = fromRows(denseRows(matrices, rule.weight), variable.shape, rule);
  const own = copy.weights.find(({ originalName }) => originalName.endsWith(`/${rule.weight}`))!;
  tidy(() => variableOf(own).assign(tensor(values, [...shape])));
  if (activations) roundInputs(copy, activations);
  return { weight, matrices, activations };
}

async function activationsOf(
  { quantize: { activations = 'float32', calibration = 'dynamic' } }: CompressOptions,
  turn: Turn | undefined,
): Promise<ActivationGrid | null> {
  if (activations === 'float32') return null;
  if (calibration === 'dynamic' || !turn) return { kind: 'dynamic', bits: 8 };
  return staticGrid(turn.copyInputs, calibration);
}

/** Lets a layer of the copy see its inputs as the packed layer will. */
function roundInputs(copy: Layer, activations: ActivationGrid): void {
  const usual = copy.call.bind(copy);
  copy.call = (inputs, kwargs) =>
    tidy(() =>
      usual(
        [inputs].flat().map((x) => fakeQuantizeActivations(x, activations)),
        kwargs,
      ),
    );
}

/** The sums over the rows that a layer multiplies its weights by, spread evenly over the examples. */
async function sumsOf(
  { layer, inputs }: PlannedWeight,
  { inputs: batches, copyInputs }: Turn,
  activations: ActivationGrid | null,
): Promise<ReturnType<typeof noSums>> {
  const sums = noSums(inputs);
  const rowsOf = (x: Tensor): Tensor2D =>
    layer.getClassName() === 'Conv2D'
      ? patchesOf(x as Tensor4D, layer as unknown as PatchSizes)
      : reshape(x, [-1, inputs]);
  for (const [b, x] of batches.entries()) {
    const most = Math.max(1, Math.floor(FIT_ROWS / batches.length));
    const thin = (given: Tensor): Tensor2D =>
      tidy(() => {
        const rows = rowsOf(given);
        const step = Math.max(1, Math.ceil(rows.shape[0] / most));
        return stridedSlice(rows, [0, 0], rows.shape, [step, 1]) as Tensor2D;
      });
    const own = thin(x);
    const other = tidy(() => {
      const given = copyInputs[b]!;
      return thin(activations ? fakeQuantizeActivations(given, activations) : given);
    });
    await addRows(sums, own, other);
    dispose([own, other]);
  }
  return sums;
}
