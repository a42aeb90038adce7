/** The model that is trained: the given one with {@link LowRankLayer}s in the place of the layers in factors. */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { layerPaths, replaceLayers, type NewLayer } from '@ockham/core/graph';
import type { Layer } from '@ockham/core/training';
import type { LayerPlan } from './layer-plan.ts';
import { LowRankLayer } from './low-rank-layer.ts';

/** A model of its own, without the kernels of the planned layers. */
export async function trainingModel(model: LayersModel, plans: readonly LayerPlan[]): Promise<LayersModel> {
  const chains = new Map<string, readonly NewLayer[]>();
  for (const { path, layer, outputs } of plans) {
    const bias = layer.weights[1];
    const values = bias ? ((await bias.read().data()) as Float32Array) : new Float32Array(outputs);
    chains.set(path, [
      {
        name: layer.name,
        className: LowRankLayer.className,
        config: {
          outputShape: [...layer.inboundNodes[0]!.outputTensors[0]!.shape],
          activation: layer.getConfig()['activation'] as string,
          useBias: bias !== undefined,
        },
        weights: [{ shape: [outputs], values }],
      },
    ]);
  }
  return replaceLayers(model, chains);
}

/** The low-rank layer of a path. */
export function lowRankLayer(model: LayersModel, path: string): LowRankLayer {
  const [layer] = [...layerPaths(model)].find(([, name]) => name === path)!;
  return layer as LowRankLayer;
}

/** Whether a layer's input depends on anything that is trained; within a nested model, assumed. */
export function followsTrained(model: LayersModel, layer: Layer): boolean {
  if (!model.layers.includes(layer)) return true;
  const seen = new Set<Layer>();
  const before = (of: Layer): boolean =>
    of.inboundNodes
      .flatMap((node) => node.inboundLayers)
      .some((source) => {
        if (seen.has(source)) return false;
        seen.add(source);
        return source.weights.length > 0 || before(source);
      });
  return before(layer);
}
