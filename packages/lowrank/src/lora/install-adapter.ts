import { tensor, tidy, type Tensor } from '@tensorflow/tfjs-core';
import { ArgumentError } from '@ockham/core';
import type { NamedArray } from '@ockham/core/files';
import { checkModel, type WeightNaming } from '@ockham/core/models';
import { layerPaths } from '@ockham/core/graph';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { AdapterFile } from './adapter-file.ts';
import { checkName, switchTo } from './adapters.ts';
import { prepare } from './apply-lora.ts';
import { baseFingerprint } from './fingerprint.ts';
import { isAdapted, loraOf, refuseMerged, type AdaptedSite, type LoraState } from './lora-state.ts';
import type { AdapterPlan } from './options.ts';
import { scaleOf } from './peft-config.ts';
import { factorShapes, fromFile, magnitudeShape, moduleOf, weightNameOf } from './peft-layout.ts';
import { lastName, refusal, siteOf } from './targets.ts';

/** Options of {@link installAdapter}. */
export interface InstallAdapterOptions {
  /** The adapter's name in the model; one of that name is replaced. Default `default`. */
  readonly name?: string;
  /** PyTorch's names of the layers, as of `encodeAdapter`. */
  readonly naming?: WeightNaming;
  /** Take an adapter of another base where the shapes fit. Default false. */
  readonly anyBase?: boolean;
}

/**
 * Puts an adapter that was read into a model and switches to it. All or nothing: where something does not fit, the
 * error lists all of it and the model is as before.
 *
 * @param model An adapted model, or a base, which is then adapted where the file says.
 * @returns `model` itself if it was adapted, else a new model on it.
 * @throws ArgumentError where shapes or names do not fit, or the file was made on another base (by its fingerprint; files
 *   of PEFT have none, and are checked by shapes alone).
 */
export async function installAdapter(
  model: LayersModel,
  file: AdapterFile,
  options: InstallAdapterOptions = {},
  who = 'installAdapter',
): Promise<LayersModel> {
  const { name = 'default', naming, anyBase = false } = options;
  checkName(who, name);
  const known = isAdapted(model) ? loraOf(who, model) : undefined;
  if (known) refuseMerged(who, known);
  else checkModel(who, model);
  const base = known?.base ?? model;
  const places = findPlaces(base, file, naming);
  const made = file.fingerprint;
  const own = made === undefined ? undefined : await baseFingerprint(base, places.whole);
  const bases =
    made === undefined
      ? 'The file does not say on which base it was made.'
      : `The file was made on the base ${made.slice(0, 12)}…, this one is ${own!.slice(0, 12)}….`;
  const problems = [...places.problems, ...(known ? misfits(known, places) : [])];
  if (problems.length > 0) {
    throw new ArgumentError(
      `${who}: the adapter does not fit the model ${base.name}; nothing was loaded. ${bases} ${problems.length} problems: ${problems.join('; ')}.`,
    );
  }
  if (made !== own && !anyBase) {
    throw new ArgumentError(
      `${who}: the adapter belongs to other weights of the same shapes. ${bases} Load its base, or pass anyBase: true to take it all the same.`,
    );
  }
  if (known) {
    fill(known, file, name, places);
    return model;
  }
  const { adapted, state } = prepare(who, model, {
    targets: (_, layer) => places.sites.has(layer),
    ...(places.whole.size > 0 ? { trainable: (_: string, layer) => places.whole.has(layer) } : {}),
  });
  fill(state, file, name, places);
  return adapted;
}

type Layer = LoraState['sites'][number]['layer'];

/** Where a file's arrays belong in a base. */
interface Places {
  /** The module of every layer that the file adapts. */
  readonly sites: ReadonlyMap<Layer, string>;
  /** Layers that the file holds whole. */
  readonly whole: ReadonlySet<Layer>;
  /** In the order of the layer's weights. */
  readonly wholeNames: ReadonlyMap<Layer, readonly string[]>;
  readonly problems: readonly string[];
}

function findPlaces(base: LayersModel, file: AdapterFile, naming: WeightNaming | undefined): Places {
  const sites = new Map<Layer, string>();
  const wholeNames = new Map<Layer, string[]>();
  const problems: string[] = [];
  const unused = new Set([...file.modules.keys(), ...file.whole.keys()]);
  const available: string[] = [];
  for (const [layer, path] of layerPaths(base)) {
    if (layer.weights.length === 0) continue;
    if (refusal(layer) === undefined) {
      const site = siteOf(path, layer);
      const module = moduleOf(site, naming);
      available.push(module);
      if (unused.delete(module)) {
        sites.set(layer, module);
        problems.push(...checkFactors(file, module, kernelShapeOf(layer), site.className));
      }
    }
    const names = layer.weights.map(({ originalName }) =>
      weightNameOf(path, layer, lastName(originalName), naming),
    );
    const present = names.filter((one) => unused.delete(one));
    if (present.length === 0) continue;
    wholeNames.set(layer, names);
    for (const [i, one] of names.entries()) {
      const array = file.whole.get(one);
      const wanted = wholeShape(layer.weights[i]!);
      if (!array) problems.push(`${one} is missing`);
      else if (String(array.shape) !== String(wanted)) {
        problems.push(`${one} must be [${wanted.join(', ')}], got [${array.shape.join(', ')}]`);
      }
    }
  }
  if (unused.size > 0) {
    problems.push(
      `no layer is called ${[...unused].join(', ')} (there are ${available.join(', ')}; the option naming maps other names)`,
    );
  }
  return { sites, whole: new Set(wholeNames.keys()), wholeNames, problems };
}

function kernelShapeOf(layer: Layer): number[] {
  return layer.weights.find(({ originalName }) => /^(kernel|embeddings)$/.test(lastName(originalName)))!
    .shape as number[];
}

function wholeShape(weight: Layer['weights'][number]): number[] {
  const shape = weight.shape as number[];
  if (lastName(weight.originalName) !== 'kernel') return shape;
  return [shape.at(-1)!, shape.at(-2)!, ...shape.slice(0, -2)];
}

function checkFactors(
  { modules, config }: AdapterFile,
  module: string,
  kernel: readonly number[],
  className: string,
): string[] {
  const { a, b, m } = modules.get(module)! as { a: NamedArray; b: NamedArray; m?: NamedArray };
  const { rank } = scaleOf(config, module);
  const shapes = factorShapes(kernel, rank);
  const wanted = className === 'Embedding' ? { a: [rank, kernel[0]!], b: [kernel[1]!, rank] } : shapes;
  const outputs = kernel.at(-1)!;
  const checks: [string, readonly number[], readonly number[]][] = [
    ['A', wanted.a, a.shape],
    ['B', wanted.b, b.shape],
  ];
  if (m) checks.push(['the magnitude', magnitudeShape(outputs, kernel.length), m.shape]);
  const problems = checks
    .filter(([, want, got]) => String(want) !== String(got))
    .map(([what, want, got]) => `${what} of ${module} must be [${want.join(', ')}], got [${got.join(', ')}]`);
  if (config.use_dora && !m) problems.push(`${module} has no magnitude, and the config says use_dora`);
  for (const { values } of [a, b, ...(m ? [m] : [])]) {
    if (!(values as Float32Array).every((value) => Number.isFinite(value))) {
      problems.push(`${module} holds NaN or infinity`);
      break;
    }
  }
  return problems;
}

/** What an adapted model cannot take: layers that it has not adapted, or keeps whole where the file does not. */
function misfits(state: LoraState, places: Places): string[] {
  const adapted = new Set(state.sites.map(({ layer }) => layer));
  const whole = new Set(state.whole.map(({ layer }) => layer));
  const strays = [...places.sites].filter(([layer]) => !adapted.has(layer)).map(([, module]) => module);
  const missing = state.whole.filter(({ layer }) => !places.whole.has(layer)).map(({ path }) => path);
  const extra = [...places.whole].filter((layer) => !whole.has(layer)).map(({ name }) => name);
  return [
    ...(strays.length > 0 ? [`the model has no adapter at ${strays.join(', ')}: name them in targets`] : []),
    ...(missing.length > 0 ? [`the file does not hold ${missing.join(', ')}, which train whole here`] : []),
    ...(extra.length > 0 ? [`the file holds ${extra.join(', ')} whole: name them in trainable`] : []),
  ];
}

function fill(state: LoraState, file: AdapterFile, name: string, places: Places): void {
  const { config } = file;
  const plan: AdapterPlan = {
    alpha: config.lora_alpha,
    rsLora: config.use_rslora,
    dropout: config.lora_dropout,
    heads: 1,
    dora: config.use_dora,
    init: 'gaussian',
  };
  if (state.adapters.has(name)) switchTo(state, new Map()); // before copies go that a layer may show
  for (const site of state.sites) {
    site.lora.removeAdapter(name);
    const module = places.sites.get(site.layer);
    if (module !== undefined) tidy(() => fillSite(site, file, name, module, plan));
  }
  for (const whole of state.whole) {
    const values = tidy(() =>
      whole.valuesOf(name).map(({ weight }, i) => {
        const array = toTensor(file.whole.get(places.wholeNames.get(whole.layer)![i]!)!);
        return lastName(weight.originalName) === 'kernel' ? fromFile(array) : array;
      }),
    );
    whole.add(name, values);
    for (const value of values) value.dispose();
  }
  state.adapters.set(name, plan);
  switchTo(state, new Map([[name, 1]]));
}

function fillSite(
  { lora, outputs }: AdaptedSite,
  { modules, config }: AdapterFile,
  name: string,
  module: string,
  plan: AdapterPlan,
): void {
  const { a, b, m } = modules.get(module)! as { a: NamedArray; b: NamedArray; m?: NamedArray };
  const { rank, alpha } = scaleOf(config, module);
  const scale = alpha / (plan.rsLora ? Math.sqrt(rank) : rank);
  const values = {
    a: fromFile(toTensor(a)),
    b: fromFile(toTensor(b, [outputs, rank])),
    ...(m ? { magnitude: toTensor(m, [outputs]) } : {}),
  };
  const { dropout } = plan;
  lora.addAdapter(
    { name, rank, heads: 1, scale, dropout, dora: m !== undefined, fromSvd: false, strength: 0 },
    values,
  );
}

function toTensor({ values, shape }: NamedArray, as: readonly number[] = shape): Tensor {
  return tensor(Float32Array.from(values as Iterable<number>, Number), [...as], 'float32');
}
