import type { Layer } from '@ockham/core/training';
import { ArgumentError, UnsupportedModelError } from '@ockham/core';
import { layerPaths } from '@ockham/core/graph';
import { weightKind } from '@ockham/core/metrics';
import { variableOf } from '@ockham/core/training';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { matchRules, type Targets } from '../layer-rules.ts';
import { linearKinds } from './linear-kind.ts';

/** A layer that can take an adapter. */
export interface LoraSite {
  /** Name within the model, `outer/inner` for a nested model's layer. */
  readonly path: string;
  /** `Dense`, `Conv1D`, `Conv2D` or `Embedding`. */
  readonly className: string;
  /** The base's layer. */
  readonly layer: Layer;
  /** Rows of the kernel as a matrix: inputs, times the window's size for a convolution. */
  readonly inputs: number;
  /** Columns: outputs. */
  readonly outputs: number;
}

/**
 * The layers that `targets` names and that have weights, in the model's order.
 *
 * @throws ArgumentError where a rule matches none, listing the names there are.
 */
export function matchLayers(
  who: string,
  option: string,
  model: LayersModel,
  targets: Targets,
): Map<Layer, string> {
  const weighted = [...layerPaths(model)].filter(([layer]) => layer.weights.length > 0);
  return matchRules(who, option, new Map(weighted), targets, 'with weights');
}

/**
 * The sites that `targets` names. Layers of vectors alone, as of normalisation, are passed over.
 *
 * @throws ArgumentError where a rule matches none; UnsupportedModelError for a kernel that cannot be adapted.
 */
export function findSites(
  who: string,
  model: LayersModel,
  targets: Targets | undefined,
  whole: ReadonlyMap<Layer, string>,
): LoraSite[] {
  const standard = (_: string, layer: Layer) =>
    /^(Dense|Conv1D|Conv2D)$/.test(layer.getClassName()) && !refusal(layer) && !whole.has(layer);
  const matched = matchLayers(who, 'targets', model, targets ?? standard);
  const sites: LoraSite[] = [];
  for (const [layer, path] of matched) {
    if (!layer.weights.some((weight) => weightKind(weight) === 'kernel')) continue;
    const reason = refusal(layer);
    if (reason !== undefined) {
      throw new UnsupportedModelError(
        `${who}: ${path} cannot be adapted: ${reason}. Leave it out of targets, or name it in trainable.`,
      );
    }
    if (whole.has(layer)) {
      throw new ArgumentError(`${who}: ${path} is named in targets and in trainable. Leave it out of one.`);
    }
    sites.push(siteOf(path, layer));
  }
  if (sites.length > 0) return sites;
  throw new ArgumentError(
    `${who}: targets match only layers without a matrix: ${[...matched.values()].join(', ')}.`,
  );
}

/** A layer as a site. */
export function siteOf(path: string, layer: Layer): LoraSite {
  const className = layer.getClassName();
  const kernel = kernelOf(layer);
  const outputs = kernel.shape.at(-1)!;
  return { path, className, layer, inputs: kernel.size / outputs, outputs };
}

/** The kernel of a layer that can be adapted. */
export function kernelOf(layer: Layer): ReturnType<typeof variableOf> {
  const { kernel } = linearKinds.get(layer.getClassName())!;
  return variableOf(layer.weights.find(({ originalName }) => lastName(originalName) === kernel)!);
}

/** `kernel` of `encoder/dense/kernel`. */
export function lastName(weightName: string): string {
  return weightName.split('/').at(-1)!;
}

/** Why a layer cannot take an adapter; undefined where it can. */
export function refusal(layer: Layer): string | undefined {
  const className = layer.getClassName();
  if (/Depthwise/.test(className)) {
    return 'a depthwise kernel has one small filter per channel and no matrix of inputs by outputs to factor';
  }
  if (!linearKinds.has(className)) {
    return `the class ${className} is none of ${[...linearKinds.keys()].join(', ')}`;
  }
  const { dataFormat, padding } = layer.getConfig();
  if (dataFormat === 'channelsFirst') return 'its channels come first, and B works on the last axis';
  return padding === 'causal' ? 'TensorFlow.js has no causal padding' : undefined;
}
