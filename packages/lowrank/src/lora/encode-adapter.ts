import { concat, neg, tidy, type Tensor } from '@tensorflow/tfjs-core';
import { ArgumentError } from '@ockham/core';
import { writeSafetensors, type NamedArrays, type SafetensorsOptions } from '@ockham/core/files';
import type { WeightNaming } from '@ockham/core/models';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { baseFingerprint } from './fingerprint.ts';
import type { LayerAdapter } from './layer-adapter.ts';
import { checkAdapterName, loraOf, type LoraState } from './lora-state.ts';
import type { AdapterPlan } from './options.ts';
import { peftConfig, type ModuleScale, type PeftConfig } from './peft-config.ts';
import {
  asArray,
  bToFile,
  magnitudeToFile,
  moduleOf,
  PREFIX,
  suffixesOf,
  toFile,
  weightNameOf,
} from './peft-layout.ts';
import { lastName } from './targets.ts';

/** Options of {@link encodeAdapter}. */
export interface EncodeAdapterOptions {
  /** Which adapter. Default: the one that was added last. */
  readonly name?: string;
  /**
   * PyTorch's names of the layers, such as `pytorchBert()` of `@ockham/core/models`. Default: their own, with points
   * for slashes and PyTorch's `weight` and `bias`.
   */
  readonly naming?: WeightNaming;
  /** Type of the values. Default `F32`, to the bit. */
  readonly float?: NonNullable<SafetensorsOptions['float']>;
}

/** An adapter as a file of PEFT. */
export interface EncodedAdapter {
  /** `adapter_model.safetensors`; its metadata hold the config and the base's fingerprint too. */
  readonly bytes: Uint8Array;
  /** `adapter_config.json`. */
  readonly config: PeftConfig;
}

/** Where the metadata of a file keep the config and the fingerprint. */
export const METADATA = { config: 'adapter_config', fingerprint: 'ockham_base_sha256' } as const;

/**
 * Writes one adapter as PEFT does: safetensors with `base_model.model.<module>.lora_A.weight` and so on, and a config. Layers
 * that train whole are in it under their names. Several heads become one of their common rank; PiSSA becomes LoRA of
 * twice the rank, [A A₀][B −B₀], which fits the unchanged base.
 *
 * @throws ArgumentError for an unknown adapter, or a naming that gives two modules one name.
 */
export async function encodeAdapter(
  adapted: LayersModel,
  options: EncodeAdapterOptions = {},
): Promise<EncodedAdapter> {
  const who = 'encodeAdapter';
  const state = loraOf(who, adapted);
  const name = options.name ?? [...state.adapters.keys()].at(-1) ?? 'default';
  const plan = checkAdapterName(who, state, name);
  const { naming, float = 'F32' } = options;
  const arrays: NamedArrays = new Map();
  const put = (key: string, array: Awaited<ReturnType<typeof asArray>>) => {
    if (arrays.has(key)) {
      throw new ArgumentError(`${who}: the naming gives ${key} to two weights. Let it tell them apart.`);
    }
    arrays.set(key, array);
  };
  const modules = await putFactors(state, name, plan, naming, put);
  for (const whole of state.whole) {
    const { path, layer } = whole;
    for (const { weight, value } of whole.valuesOf(name)) {
      const own = lastName(weight.originalName);
      const array = own === 'kernel' ? await toFile(value) : await asArray(value);
      put(PREFIX + weightNameOf(path, layer, own, naming), array);
    }
  }
  const saved = state.whole.map(({ path, layer }) =>
    weightNameOf(path, layer, 'kernel', naming).replace(/\.[^.]+$/, ''),
  );
  const config = peftConfig(modules, {
    base_model_name_or_path: state.base.name,
    lora_dropout: plan.dropout,
    use_rslora: plan.rsLora,
    use_dora: plan.dora,
    modules_to_save: saved.length > 0 ? saved : null,
  });
  const fingerprint = await baseFingerprint(state.base, new Set(state.whole.map(({ layer }) => layer)));
  const metadata = {
    format: 'pt', // what PyTorch's loaders look for
    [METADATA.config]: JSON.stringify(config),
    [METADATA.fingerprint]: fingerprint,
  };
  return { bytes: writeSafetensors(arrays, { float, metadata }), config };
}

async function putFactors(
  state: LoraState,
  name: string,
  plan: AdapterPlan,
  naming: WeightNaming | undefined,
  put: (key: string, array: Awaited<ReturnType<typeof asArray>>) => void,
): Promise<ModuleScale[]> {
  const modules: ModuleScale[] = [];
  for (const site of state.sites) {
    const adapter = site.lora.adapters.get(name);
    if (!adapter) continue;
    const module = moduleOf(site, naming);
    const suffix = suffixesOf(site.className);
    const { a, b } = wholeFactors(adapter);
    const kernelRank = a.rank;
    put(PREFIX + module + suffix.a, await toFile(a));
    put(PREFIX + module + suffix.b, await bToFile(b, kernelRank));
    a.dispose();
    b.dispose();
    if (adapter.magnitude) {
      const magnitude = adapter.magnitude.read();
      put(PREFIX + module + suffix.m, await magnitudeToFile(magnitude, kernelRank));
    }
    const { heads, rank, fromSvd } = adapter;
    const times = fromSvd ? 2 : heads;
    // α/r of the file is s/N: heads divide s, PiSSA does not
    const growth = (plan.rsLora ? Math.sqrt(times) : times) / heads;
    modules.push({ module, rank: times * rank, alpha: plan.alpha * growth });
  }
  return modules;
}

/** A and B, those of PiSSA's start beside them. The caller disposes of them. */
function wholeFactors({ a, b, first }: LayerAdapter): { readonly a: Tensor; readonly b: Tensor } {
  if (!first) return { a: a.read().clone(), b: b.read().clone() };
  return tidy(() => ({
    a: concat([a.read(), first.a.read()], -1),
    b: concat([b.read(), neg(first.b.read())], 0),
  }));
}
