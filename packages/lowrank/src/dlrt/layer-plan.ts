/** Which layers are trained in low rank, from which rank and within which bounds; decided before any work. */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ArgumentError, NothingChangedError } from '@ockham/core';
import { layerPaths } from '@ockham/core/graph';
import type { Layer } from '@ockham/core/training';
import { layersToFactor } from '../factorise/targets.ts';
import type { DlrtOptions, PerLayer } from './options.ts';
import { noSmaller } from './report.ts';
import { largestUsefulRank, type RankRule } from './truncation.ts';
import { largestTuckerRanks, tuckerSize } from './tucker-core.ts';
import type { TuckerRule } from './tucker-factors.ts';

/** One layer with a kernel. */
export interface LayerPlan {
  readonly path: string;
  readonly layer: Layer;
  /** n */
  readonly outputs: number;
  /** m */
  readonly inputs: number;
  /** Why the layer stays dense; the rest has no meaning then. */
  readonly dense?: string;
  readonly rule: RankRule;
  /** Both modes of a convolution in Tucker's form; `rule` has no meaning then. */
  readonly tucker?: TuckerRule;
  readonly initialRank: number | undefined;
}

/**
 * @throws ArgumentError for ranks that do not fit, or targets that match nothing.
 * @throws NothingChangedError where every layer would stay dense.
 */
export function planLayers(model: LayersModel, options: DlrtOptions): LayerPlan[] {
  const layers = [...layerPaths(model)]
    .filter(([layer]) => layer.weights.some(isKernel))
    .map(([layer, path]) => [path, layer] as const);
  const targeted = layersToFactor('dlrt', model, options.targets);
  checkNames(options, layers);
  const last = model.outputs[0]!.sourceLayer;
  const lastKernel = (layer: Layer) => lastWithKernel(last) === layer;
  const plans = layers.map(([path, layer]): LayerPlan => {
    const shape = layer.weights.find(isKernel)!.shape as number[];
    const outputs = shape.at(-1)!;
    const inputs = shape.slice(0, -1).reduce((a, b) => a * b, 1);
    const useful = largestUsefulRank(inputs, outputs);
    const fixed = of(options.rank, path);
    const least = of(options.minRank, path) ?? 1;
    const most = of(options.maxRank, path) ?? Infinity;
    const wanted = fixed ?? least;
    const kept =
      options.targets !== undefined && !targeted.has(path)
        ? 'it is not among the targets'
        : (refusalOf(layer) ??
          (options.lastLayer !== 'low-rank' && lastKernel(layer) ? 'it is the last layer' : undefined));
    if (kept === undefined) checkRanks(path, [inputs, outputs], options);
    const tucker = options.convolutions === 'tucker' && isWide(shape) ? shape : undefined;
    const dense =
      kept ??
      (tucker
        ? tuckerRefusal(tucker, wanted)
        : wanted > useful
          ? noSmaller(wanted, inputs, outputs)
          : undefined);
    const rule: RankRule = {
      tolerance: fixed === undefined ? (options.tolerance ?? 0.1) : 0,
      norm: options.norm ?? 'frobenius',
      minRank: fixed ?? least,
      maxRank: fixed ?? Math.min(most, useful),
    };
    const initialRank = fixed ?? of(options.initialRank, path);
    const modes = tucker && dense === undefined && tuckerRule(tucker, { ...rule, maxRank: fixed ?? most });
    return {
      ...{ path, layer, outputs, inputs, rule, initialRank },
      ...(dense !== undefined && { dense }),
      ...(modes && { tucker: modes }),
    };
  });
  if (plans.every(({ dense }) => dense !== undefined)) {
    const reasons = plans.map(({ path, dense }) => `${path}: ${dense}`).join('; ');
    throw new NothingChangedError(
      `dlrt: every layer would stay dense (${reasons || 'the model has no kernels'}). Choose other targets or ranks.`,
    );
  }
  return plans;
}

/** Whether a kernel has more than one place: `[k, k, c, n]` with k > 1. */
function isWide(shape: readonly number[]): boolean {
  return shape.length === 4 && shape[0]! * shape[1]! > 1;
}

/** Why Tucker's form would not be smaller, or undefined where it is at some rank from `least` on. */
function tuckerRefusal([h, w, c, n]: readonly number[], least: number): string | undefined {
  const ranks = [Math.min(least, c!), Math.min(least, n!)] as const;
  const size = tuckerSize(h! * w!, c!, n!, ranks);
  const dense = h! * w! * c! * n!;
  if (size < dense) return undefined;
  return `Tucker's form of ranks ${ranks.join(' and ')} would be no smaller than the layer: ${size} values for ${dense}`;
}

/** The rules of both modes: that of the layer, within what each mode has and what is still smaller than the layer. */
function tuckerRule([h, w, c, n]: readonly number[], rule: RankRule): TuckerRule {
  const fixed = rule.minRank === rule.maxRank;
  const [p, q] = fixed ? [c!, n!] : (largestTuckerRanks(h! * w!, c!, n!) ?? [1, 1]);
  const mode = (most: number): RankRule => ({
    ...rule,
    minRank: Math.min(rule.minRank, most),
    maxRank: Math.min(rule.maxRank, most),
  });
  return { inputs: mode(p), outputs: mode(q) };
}

function of(given: PerLayer | undefined, path: string): number | undefined {
  return typeof given === 'object' ? given[path] : given;
}

function isKernel(weight: Layer['weights'][number]): boolean {
  return weight.shape.length >= 2;
}

/** Walks back from the output over layers without kernels, such as a softmax of its own. */
function lastWithKernel(layer: Layer): Layer | undefined {
  if (layer.weights.some(isKernel)) return layer;
  const before = layer.inboundNodes[0]?.inboundLayers ?? [];
  return before.length === 1 ? lastWithKernel(before[0]!) : undefined;
}

/** Why a layer cannot be trained in factors, or undefined where it can. */
function refusalOf(layer: Layer): string | undefined {
  const kind = layer.getClassName();
  if (kind !== 'Dense' && kind !== 'Conv2D')
    return `a ${kind} is neither dense nor a convolution in two dimensions`;
  if (!layer.trainable) return 'it is frozen';
  const config = layer.getConfig();
  const set = (key: string) => config[key] !== null && config[key] !== undefined;
  if (set('kernelConstraint') || set('biasConstraint'))
    return 'it has a constraint, which factors cannot hold';
  if (set('biasRegularizer') || set('activityRegularizer'))
    return 'it has a regulariser of its bias or activity';
  const { l1 = 0 } = regulariserOf(layer);
  if (l1 > 0) return 'its regulariser is not the sum of squares, the only one that factors have';
  if (kind === 'Conv2D') {
    if (config['dataFormat'] === 'channelsFirst') return 'its channels come first';
    if ([config['dilationRate']].flat().some((rate) => rate !== 1)) return 'it is dilated';
  }
  return undefined;
}

/** The factors of a layer's L1 and L2 regulariser. */
export function regulariserOf(layer: Layer): { readonly l1?: number; readonly l2?: number } {
  const given = layer.getConfig()['kernelRegularizer'] as
    { config?: { l1?: number; l2?: number } } | null | undefined;
  return given?.config ?? {};
}

function checkNames(options: DlrtOptions, layers: readonly (readonly [string, Layer])[]): void {
  const names = layers.map(([path]) => path);
  for (const key of ['rank', 'minRank', 'maxRank', 'initialRank'] as const) {
    const given = options[key];
    if (typeof given !== 'object') continue;
    const unknown = Object.keys(given).find((name) => !names.includes(name));
    if (unknown === undefined) continue;
    throw new ArgumentError(
      `dlrt: ${key} names a layer "${unknown}" that has no kernel or does not exist. There are ${names.join(', ')}.`,
    );
  }
}

function checkRanks(path: string, [m, n]: readonly [number, number], options: DlrtOptions): void {
  const most = Math.min(m, n);
  for (const key of ['rank', 'minRank', 'maxRank', 'initialRank'] as const) {
    const rank = of(options[key], path);
    if (rank === undefined || (Number.isInteger(rank) && rank >= 1 && rank <= most)) continue;
    // one number for all layers means as much as each can have
    if (typeof options[key] === 'number' && Number.isInteger(rank) && rank > most && key !== 'rank') continue;
    throw new ArgumentError(
      `dlrt: ${key} of "${path}" must be an integer in [1, min(m, n)] = [1, ${most}], got ${rank}.`,
    );
  }
  const [least, largest] = [of(options.minRank, path) ?? 1, of(options.maxRank, path) ?? most];
  if (least > largest) {
    throw new ArgumentError(
      `dlrt: minRank of "${path}" must not be above maxRank, got ${least} and ${largest}.`,
    );
  }
}
