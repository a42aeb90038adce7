import { textTable } from '@ockham/core/metrics';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { trainedSize } from './layer-adapter.ts';
import { checkAdapterName, loraOf } from './lora-state.ts';

/** Bytes of one float32 value. */
const BYTES = 4;

/** One adapted layer's row of {@link LoraReport}. */
export interface LoraLayerReport {
  /** Path of the layer. */
  readonly path: string;
  /** The base's class, or `whole` for a layer that trains whole. */
  readonly kind: string;
  /** The kernel as a matrix, `[in, out]`; absent for `whole`. */
  readonly shape?: readonly [inputs: number, outputs: number];
  /** N·r, what the heads have together; absent for `whole`. */
  readonly rank?: number;
  /** Parameters that training changes. */
  readonly trainable: number;
  /** What training the layer's matrix, or the layer, would change. */
  readonly full: number;
}

/** What an adapter costs. */
export interface LoraReport {
  /** The adapter's name. */
  readonly adapter: string;
  /** Parameters that training changes, layers that train whole included. */
  readonly trainable: number;
  /** Parameters of the base. */
  readonly base: number;
  /** trainable / base, in [0, 1] for any sensible rank. */
  readonly share: number;
  /** Of the adapter alone, as float32: what its file and each further task cost. */
  readonly adapterBytes: number;
  /** Of the base, shared by all adapters. */
  readonly baseBytes: number;
  /** Of the adapters of a model together. */
  readonly allAdapterBytes: number;
  /** One row for each adapted layer. */
  readonly layers: readonly LoraLayerReport[];
}

/**
 * Counts what an adapter trains and what it takes.
 *
 * @param name Default: the one that was added last.
 * @throws ArgumentError for an unknown adapter.
 */
export function loraReport(adapted: LayersModel, name?: string): LoraReport {
  const state = loraOf('loraReport', adapted);
  const adapter = name ?? [...state.adapters.keys()].at(-1) ?? 'default';
  checkAdapterName('loraReport', state, adapter);
  const rowsOf = (which: string): LoraLayerReport[] => [
    ...state.sites.flatMap(({ path, className, inputs, outputs, lora }) => {
      const held = lora.adapters.get(which);
      if (!held) return []; // a file may adapt fewer layers
      const trainable = trainedSize(held);
      const shape = [inputs, outputs] as const;
      return [
        { path, kind: className, shape, rank: held.rank * held.heads, trainable, full: inputs * outputs },
      ];
    }),
    ...state.whole.map(({ path, trainedSize: trainable, size }) => ({
      path,
      kind: 'whole',
      trainable,
      full: size,
    })),
  ];
  const layers = rowsOf(adapter);
  const total = (rows: readonly LoraLayerReport[]) => rows.reduce((sum, row) => sum + row.trainable, 0);
  const seen = new Set(state.base.weights.map((weight) => weight.read()));
  const base = [...seen].reduce((sum, { size }) => sum + size, 0);
  const trainable = total(layers);
  return {
    adapter,
    trainable,
    base,
    share: trainable / base,
    adapterBytes: BYTES * trainable,
    baseBytes: BYTES * base,
    allAdapterBytes: BYTES * [...state.adapters.keys()].reduce((sum, which) => sum + total(rowsOf(which)), 0),
    layers,
  };
}

/** A report as a table of text. */
export function formatLoraReport(report: LoraReport): string {
  const { adapter, layers, trainable, base, share, adapterBytes } = report;
  const rows = layers.map((row) => [
    row.path,
    row.kind,
    row.shape ? row.shape.join('×') : '',
    row.rank === undefined ? '' : String(row.rank),
    String(row.trainable),
  ]);
  const table = textTable([['layer', 'kind', 'matrix', 'rank', 'trainable'], ...rows]);
  return `${table}\n${adapter}: ${trainable} of ${base} parameters train (${(100 * share).toFixed(2)} %), ${adapterBytes} bytes.`;
}
