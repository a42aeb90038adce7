import type { LayersModel } from '@tensorflow/tfjs-layers';
import { checkModel } from '../models/check-model.ts';
import type { Layer } from '../training/layers.ts';
import { countNonZeros, weightKind } from './count-parameters.ts';
import { flopRules, type CallCost, type FlopRule } from './flop-rules.ts';
import { heldWeightsOf } from '../training/held-weights.ts';
import { layerCalls } from './model-calls.ts';

/** Options of {@link countFlops}. */
export interface CountFlopsOptions {
  /** Rules for layer classes of one's own, by class name; they go before the built-in ones. */
  readonly rules?: Readonly<Record<string, FlopRule>>;
}

/** FLOPs of a forward pass of one example. */
export interface FlopTotals {
  /** Multiply-accumulates with weights. */
  readonly macs: number;
  /** All FLOPs; one multiply-accumulate is two. */
  readonly flops: number;
  /** FLOPs left when every product with a zero weight is skipped. An engine skips them only with a sparse kernel. */
  readonly nonZeroFlops: number;
}

/** One layer's row of {@link FlopCounts}. */
export interface LayerFlops extends FlopTotals {
  /** The layer's name. */
  readonly name: string;
  /** The layer's class. */
  readonly className: string;
  /** How often the model calls the layer. */
  readonly calls: number;
  /** Why the row counts nothing, where the cost is not known. */
  readonly unknown?: string;
}

/** What {@link countFlops} counts. */
export interface FlopCounts extends FlopTotals {
  /** One row for each layer, those of unknown cost included. */
  readonly layers: readonly LayerFlops[];
  /** Names of the layers whose cost is not known and not in the totals. Empty for a complete count. */
  readonly unknown: readonly string[];
}

/**
 * Counts the FLOPs of inference on one example, layer by layer, dense and with zero weights skipped. The
 * conventions stand at {@link flopRules}. A layer of unknown cost is named in `unknown`, never taken as 0.
 *
 * @throws ArgumentError when the model is empty or was disposed.
 *
 * @example
 * const { flops, nonZeroFlops, unknown } = await countFlops(model);
 */
export async function countFlops(model: LayersModel, options: CountFlopsOptions = {}): Promise<FlopCounts> {
  checkModel('countFlops', model);
  const rules = { ...flopRules, ...options.rules };
  const costs = new Map<Layer, CallCost[]>();
  const unknown = new Map<Layer, string>();
  for (const call of layerCalls(model)) {
    const className = call.layer.getClassName();
    const rule = Object.hasOwn(rules, className) ? rules[className] : undefined;
    if (!costs.has(call.layer)) costs.set(call.layer, []);
    if (!rule) unknown.set(call.layer, `no rule for ${className}`);
    try {
      costs.get(call.layer)!.push(rule?.(call) ?? {});
    } catch (error) {
      unknown.set(call.layer, (error as Error).message);
    }
  }
  const layers: LayerFlops[] = [];
  for (const [layer, calls] of costs) {
    const reason = unknown.get(layer);
    layers.push({
      name: layer.name,
      className: layer.getClassName(),
      calls: calls.length,
      ...(reason === undefined
        ? await layerTotals(layer, calls)
        : { macs: 0, flops: 0, nonZeroFlops: 0, unknown: reason }),
    });
  }
  const sum = (key: keyof FlopTotals) => layers.reduce((total, row) => total + row[key], 0);
  return {
    macs: sum('macs'),
    flops: sum('flops'),
    nonZeroFlops: sum('nonZeroFlops'),
    layers,
    unknown: layers.filter((row) => row.unknown !== undefined).map((row) => row.name),
  };
}

async function layerTotals(layer: Layer, calls: readonly CallCost[]): Promise<FlopTotals> {
  const elementwise = calls.reduce((total, call) => total + (call.elementwise ?? 0), 0);
  let macs = 0;
  let flops = elementwise;
  let nonZeroFlops = elementwise;
  for (const weight of layer.weights) {
    const name = weight.originalName.split('/').at(-1)!;
    const uses = calls.reduce((total, call) => total + (call.uses?.[name] ?? 0), 0);
    if (uses === 0) continue;
    const values = await weight.read().data();
    const isBias = weightKind(weight) === 'bias';
    const flopsPerUse = isBias ? 1 : 2;
    if (!isBias) macs += values.length * uses;
    flops += values.length * uses * flopsPerUse;
    nonZeroFlops += countNonZeros(values) * uses * flopsPerUse;
  }
  for (const { name, size, nonZeros } of heldWeightsOf(layer)) {
    const uses = calls.reduce((total, call) => total + (call.uses?.[name] ?? 0), 0);
    macs += size * uses;
    flops += 2 * size * uses;
    nonZeroFlops += 2 * nonZeros * uses;
  }
  return { macs, flops, nonZeroFlops };
}
