/** Attention over the present blocks on the wasm engine: each head of each example by itself, never with the whole matrix. */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { ATTENTION_BYTES, writeAttention } from '../../kernels/attention/attention-geometry.ts';
import { streamOf } from '../../kernels/attention/dropout-draw.ts';
import { headPlaces } from '../../kernels/attention/head-places.ts';
import { BLOCK_ATTENTION, BLOCK_ATTENTION_GRADIENT } from '../../kernels/attention/kernel-name.ts';
import { MAX_UNITS } from '../../kernels/threads/control.ts';
import type { Unit } from '../../kernels/threads/team.ts';
import {
  blockAttentionGradientTwin,
  blockAttentionTwin,
  type BlockAttentionAttrs,
  type BlockAttentionInputs,
} from '../../kernels/twins/block-attention.ts';
import { hostOf } from '../repairs/host.ts';
import { kernelsOf, type AttachedKernels } from './attach.ts';

/** Multiply-adds of a product from which waking a thread pays. */
const LEAST_WORK = 1_000_000;

/** The kernels to register; where ours are not attached, plain loops. */
export const blockAttentionKernels: readonly KernelConfig[] = [
  {
    kernelName: BLOCK_ATTENTION,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs, backend }) => {
      const { q, k, v, visible } = inputs as unknown as Inputs;
      const options = attrs as unknown as BlockAttentionAttrs;
      const host = hostOf(backend);
      const { batch, length } = headPlaces(q.shape, options.heads);
      const out = host.allocate(q.shape, 'float32');
      const stats = host.allocate([batch, options.heads, 2, length], 'float32');
      const attached = kernelsOf(backend);
      if (attached) forward(attached, { q, k, v, visible, out, stats }, options);
      else {
        const made = blockAttentionTwin(values(host, { q, k, v, visible }), q.shape, options);
        host.view(out).set(made.out);
        host.view(stats).set(made.stats);
      }
      return [out, stats];
    },
  },
  {
    kernelName: BLOCK_ATTENTION_GRADIENT,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs, backend }) => {
      const { q, k, v, visible, out, stats, dOut } = inputs as unknown as Inputs & Results;
      const options = attrs as unknown as BlockAttentionAttrs;
      const host = hostOf(backend);
      const [dq, dk, dv] = [q, k, v].map(({ shape }) => host.allocate(shape, 'float32')) as Three;
      const attached = kernelsOf(backend);
      if (attached) backward(attached, { q, k, v, visible, out, stats, dOut, dq, dk, dv }, options);
      else {
        const given = values(host, { q, k, v, visible });
        const made = blockAttentionGradientTwin(given, host.view(dOut), q.shape, options);
        host.view(dq).set(made.dq);
        host.view(dk).set(made.dk);
        host.view(dv).set(made.dv);
      }
      return [dq, dk, dv];
    },
  },
];

function forward(
  attached: AttachedKernels,
  t: Inputs & Omit<Results, 'dOut'>,
  attrs: BlockAttentionAttrs,
): void {
  const bytes = attached.kernels.blockAttentionBytes;
  const { address } = attached;
  runHeads(attached, t.q, attrs, bytes, (geometry, starts, { at, keys, rows, stream }) => ({
    kernel: 'blockAttention',
    workspace: true,
    values: [
      ...[geometry, starts, address(t.q) + at, address(t.k) + at, address(t.v) + at],
      ...[t.visible ? address(t.visible) + keys : 0, address(t.stats) + rows, address(t.out) + at, stream],
    ],
  }));
}

function backward(
  attached: AttachedKernels,
  t: Inputs & Results & Readonly<Record<'dq' | 'dk' | 'dv', TensorInfo>>,
  attrs: BlockAttentionAttrs,
): void {
  const bytes = attached.kernels.blockAttentionGradientBytes;
  const { address } = attached;
  runHeads(attached, t.q, attrs, bytes, (geometry, starts, { at, keys, rows, stream }) => ({
    kernel: 'blockAttentionGradient',
    workspace: true,
    values: [
      ...[geometry, starts, address(t.q) + at, address(t.k) + at, address(t.v) + at],
      ...[t.visible ? address(t.visible) + keys : 0, address(t.stats) + rows, address(t.out) + at],
      ...[address(t.dOut) + at, address(t.dq) + at, address(t.dk) + at, address(t.dv) + at, stream],
    ],
  }));
}

/** Where a head of an example is, in bytes from where the tensors begin. */
interface Place {
  readonly at: number;
  readonly keys: number;
  readonly rows: number;
  readonly stream: number;
}

/** Runs a unit for each head of each example, after the lists of blocks and the geometry are at the beginning of the workspace. */
function runHeads(
  { memory, team, workspace }: AttachedKernels,
  { shape }: TensorInfo,
  { rows, heads, scale, causal, rate, seed }: BlockAttentionAttrs,
  bytesOf: (geometry: number) => number,
  unit: (geometry: number, starts: number, place: Place) => Unit,
): void {
  const { batch, length, depth, stride, first } = headPlaces(shape, heads);
  if (batch * length === 0) return;
  const lists = ATTENTION_BYTES + 4 * (rows.starts.length + rows.columns.length);
  const { block, blocks, patterns } = rows;
  const sizes = { length, depth, stride, block, blocks, causal, scale, rate };
  writeAttention(memory, workspace(lists), { ...sizes, columns: 0 });
  const own = bytesOf(workspace(lists)) >>> 0;
  const start = 16 * Math.ceil(lists / 16);
  const geometry = workspace(start + own); // may have moved
  const starts = geometry + ATTENTION_BYTES;
  const columns = starts + 4 * rows.starts.length;
  writeAttention(memory, geometry, { ...sizes, columns });
  new Int32Array(memory.buffer, starts, rows.starts.length).set(rows.starts);
  new Int32Array(memory.buffer, columns, rows.columns.length).set(rows.columns);
  const units = Array.from({ length: batch * heads }, (_, head) => {
    const [example, h] = [Math.floor(head / heads), head % heads];
    return unit(geometry, starts + 4 * (patterns === 1 ? 0 : h * blocks), {
      at: 4 * first(head),
      keys: 4 * example * length,
      rows: 8 * head * length,
      stream: streamOf(seed, head),
    });
  });
  // a round is all heads, or one, which the calling thread does alone
  const work = (units.length * depth * rows.columns.length * block ** 2) / patterns;
  const round = work < LEAST_WORK ? 1 : MAX_UNITS;
  for (let from = 0; from < units.length; from += round)
    team.run(units.slice(from, from + round), geometry + start, own);
}

function values(host: ReturnType<typeof hostOf>, { q, k, v, visible }: Inputs): BlockAttentionInputs {
  const view = (x: TensorInfo): Float32Array => host.view(x) as Float32Array;
  return { q: view(q), k: view(k), v: view(v), visible: visible && view(visible) };
}

interface Inputs {
  readonly q: TensorInfo;
  readonly k: TensorInfo;
  readonly v: TensorInfo;
  readonly visible: TensorInfo | undefined;
}
type Results = Readonly<Record<'out' | 'stats' | 'dOut', TensorInfo>>;
type Three = [TensorInfo, TensorInfo, TensorInfo];
