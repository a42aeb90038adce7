/**
 * Adapters whose rank-one parts have a gate each: B = diag(g) R. What trains are g and R in B's place; B is written from them after every
 * step, so that the layers compute as before.
 */
import {
  dispose,
  div,
  gather,
  greater,
  mul,
  norm,
  onesLike,
  sum,
  tensor1d,
  tidy,
  variable,
  where,
  type NamedTensorMap,
  type Tensor,
  type Variable,
} from '@tensorflow/tfjs-core';
import { ArgumentError } from '@ockham/core';
import { variableOf } from '@ockham/core/training';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { LayerAdapter } from './layer-adapter.ts';
import { loraOf, refuseMerged, type AdaptedSite } from './lora-state.ts';
import type { AdapterPlan } from './options.ts';

/** One adapter of one layer, with gates. */
export interface GatedAdapter {
  readonly site: AdaptedSite;
  readonly adapter: LayerAdapter;
  readonly plan: AdapterPlan;
  /** `[…, in, r]` */
  readonly a: Variable;
  /** `[r, out]`, what the layer computes with. */
  readonly b: Variable;
  /** g `[r, 1]` */
  readonly gate: Variable;
  /** R `[r, out]` */
  readonly rows: Variable;
  /** The data that B was last written with: other data are somebody else's, say those of a checkpoint. */
  written: object;
}

/** g and R that an adapter starts from while B is zero. */
export type GateStart = (
  adapter: LayerAdapter,
  path: string,
) => { readonly gate: Tensor; readonly rows: Tensor };

/**
 * Gates for the adapter in use.
 *
 * @throws ArgumentError where none or several are in use, or it has several heads, DoRA or PiSSA.
 */
export function gateAdapters(who: string, adapted: LayersModel, start: GateStart): GatedAdapter[] {
  const state = loraOf(who, adapted);
  refuseMerged(who, state);
  const used = [...state.strengths].filter(([, strength]) => strength !== 0).map(([name]) => name);
  if (used.length !== 1) {
    throw new ArgumentError(
      `${who}: exactly one adapter must be in use, got ${used.join(', ') || 'none'}. Call setAdapters with its name.`,
    );
  }
  return state.sites.map((site) => {
    const adapter = site.lora.adapters.get(used[0]!)!;
    if (adapter.heads > 1 || adapter.dora || adapter.fromSvd) {
      throw new ArgumentError(
        `${who}: the adapter must have one head, no DoRA and no PiSSA: its parts have gates instead. Make it with addAdapter.`,
      );
    }
    const b = variableOf(adapter.b);
    const made = tidy(() => {
      const { gate, rows } = start(adapter, site.path);
      return [variable(gate), variable(rows)] as const;
    });
    const gated: GatedAdapter = {
      site,
      adapter,
      plan: state.adapters.get(used[0]!)!,
      a: variableOf(adapter.a),
      b,
      gate: made[0],
      rows: made[1],
      written: b.dataId,
    };
    const zero = tidy(() => sum(mul(b, b)).dataSync()[0] === 0);
    if (!zero) takeOver(gated);
    return gated;
  });
}

/** Gradients of g and R for that of B, under their names; B's own goes. */
export function gateGradients(gated: readonly GatedAdapter[], given: NamedTensorMap): NamedTensorMap {
  const changed = new Map(Object.entries(given));
  for (const one of gated) {
    if (one.written !== one.b.dataId) takeOver(one);
    const { b, gate, rows } = one;
    const gradient = given[b.name];
    if (!gradient) continue;
    changed.delete(b.name);
    changed.set(gate.name, sum(mul(gradient, rows), 1, true));
    changed.set(rows.name, mul(gradient, gate));
  }
  return Object.fromEntries(changed);
}

/** B = diag(g) R. */
export function writeGated(gated: readonly GatedAdapter[]): void {
  for (const one of gated) {
    tidy(() => one.b.assign(mul(one.gate, one.rows)));
    one.written = one.b.dataId;
  }
}

/** Parts of each layer whose gate is not zero, by path. */
export function openGates(gated: readonly GatedAdapter[]): Record<string, number[]> {
  return Object.fromEntries(
    gated.map(({ site, gate }) => {
      const values = gate.dataSync();
      return [site.path, Array.from(values.keys()).filter((i) => values[i] !== 0)];
    }),
  );
}

/** g = the norms of B's rows, R = B's rows of norm 1. */
function takeOver(one: GatedAdapter): void {
  tidy(() => {
    const norms = norm(one.b, 2, 1, true);
    one.gate.assign(norms);
    one.rows.assign(
      where(greater(norms, 0), div(one.b, where(greater(norms, 0), norms, onesLike(norms))), one.rows),
    );
  });
  one.written = one.b.dataId;
}

/**
 * Takes all parts but some out of the adapters for good. α/r grows as r falls, so that B is divided by as much. A layer of which nothing
 * is kept keeps one part, at zero.
 *
 * @param kept By path.
 */
export function keepParts(
  gated: readonly GatedAdapter[],
  kept: Readonly<Record<string, readonly number[]>>,
): void {
  for (const { site, adapter, plan } of gated) {
    const { name, heads, dropout: drops, dora, fromSvd, strength } = adapter;
    const open = kept[site.path]!;
    const parts = open.length > 0 ? [...open] : [0];
    const rank = parts.length;
    const scale = plan.alpha / (plan.rsLora ? Math.sqrt(rank) : rank);
    tidy(() => {
      const indexes = tensor1d(parts, 'int32');
      const a = adapter.a.read();
      const spec = { name, rank, heads, scale, dropout: drops, dora, fromSvd, strength };
      site.lora.addAdapter(spec, {
        a: gather(a, indexes, a.rank - 1),
        b: mul(gather(adapter.b.read(), indexes), adapter.scale / scale),
      });
    });
  }
}

/** Frees the gates. */
export function disposeGates(gated: readonly GatedAdapter[]): void {
  for (const { gate, rows } of gated) dispose([gate, rows]);
}
