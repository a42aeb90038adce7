import type { LayersModel } from '@tensorflow/tfjs-layers';
import { traceChannels, type ChannelGraph, type ChannelGroup, type ResidualBranch } from '@ockham/core/graph';
import { UnsupportedModelError } from '@ockham/core';
import { isExcluded } from './prunable.ts';
import { costsOf, layersByPath } from './structured-costs.ts';
import type { StructuredSettings } from './structured-options.ts';

/** What would happen to one group of coupled channels. */
export interface StructuredPlanRow {
  /** The group's id in `traceChannels`. */
  readonly group: string;
  /** Layers that make these channels. */
  readonly producers: readonly string[];
  /** Channels of the group. */
  readonly before: number;
  /** Channels that would be left. */
  readonly after: number;
  /** Why the group is left as it is, if it is. */
  readonly leftAlone?: string;
}

/** What {@link pruneStructured} would do. */
export interface StructuredPlan {
  /** One for each group of coupled channels. */
  readonly rows: readonly StructuredPlanRow[];
  /** Residual branches that would go whole. */
  readonly blocks: readonly ResidualBranch[];
  /** Of a forward pass of one example. */
  readonly flops: { readonly before: number; readonly after: number };
  /** All values of the weights. */
  readonly parameters: { readonly before: number; readonly after: number };
}

/** The groups that may lose channels. */
export function freeGroups(
  model: LayersModel,
  graph: ChannelGraph,
  { exclude }: StructuredSettings,
): ChannelGroup[] {
  return graph.groups.filter((group) => reasonToStay(model, group, exclude) === undefined);
}

/** Says why there is no free group. */
export function noFreeGroup(
  model: LayersModel,
  graph: ChannelGraph,
  { exclude }: StructuredSettings,
): UnsupportedModelError {
  const reasons = graph.groups.map((group) => `${group.id}: ${reasonToStay(model, group, exclude)}`);
  return new UnsupportedModelError(
    `pruneStructured: ${model.name} has no channels that can be removed (${reasons.join('; ')}). Exclude fewer layers, or pass a model with a hidden layer.`,
  );
}

function reasonToStay(
  model: LayersModel,
  group: ChannelGroup,
  exclude: StructuredSettings['exclude'],
): string | undefined {
  if (group.frozen !== undefined) return group.frozen;
  const layers = layersByPath(model);
  const excluded = group.producers.find((path) => isExcluded(layers.get(path)!, exclude));
  return excluded === undefined ? undefined : `${excluded} is excluded`;
}

/** A plan from the channels that are chosen. */
export async function planFrom(
  original: LayersModel,
  model: LayersModel,
  removals: ReadonlyMap<string, readonly number[]>,
  blocks: readonly ResidualBranch[],
  settings: StructuredSettings,
): Promise<StructuredPlan> {
  const graph = traceChannels(model);
  const rows = graph.groups.map((group): StructuredPlanRow => {
    const leftAlone = reasonToStay(model, group, settings.exclude);
    const after = group.size - (removals.get(group.id)?.length ?? 0);
    return {
      group: group.id,
      producers: group.producers,
      before: group.size,
      after,
      ...(leftAlone !== undefined && { leftAlone }),
    };
  });
  const before = await costsOf(original, traceChannels(original));
  const costs = await costsOf(model, graph);
  const kept = new Map(rows.map((row) => [row.group, row.after]));
  return {
    rows,
    blocks,
    flops: { before: before.flops(new Map()), after: costs.flops(kept) },
    parameters: { before: before.parameters(new Map()), after: costs.parameters(kept) },
  };
}

/** A plan as an aligned table. */
export function formatStructuredPlan({ rows, blocks, flops, parameters }: StructuredPlan): string {
  const cells = [
    ['channels of', 'now', 'after', ''],
    ...rows.map(({ producers, before, after, leftAlone }) => [
      producers.length > 3
        ? `${producers.slice(0, 2).join(', ')} and ${producers.length - 2} more`
        : producers.join(', '),
      `${before}`,
      `${after}`,
      leftAlone ?? percent(after, before),
    ]),
    [
      'parameters',
      count(parameters.before),
      count(parameters.after),
      percent(parameters.after, parameters.before),
    ],
    ['FLOPs', count(flops.before), count(flops.after), percent(flops.after, flops.before)],
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...cells.map((row) => row[column]!.length)));
  const table = cells.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  return [...table, ...blocks.map(({ add }) => `residual block before ${add}: removed`)].join('\n');
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function percent(part: number, whole: number): string {
  return `${((100 * part) / whole).toFixed(1)} %`;
}
