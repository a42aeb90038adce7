import type { LayersModel } from '@tensorflow/tfjs-layers';
import { weightName } from './layer-rules.ts';
import { configOf, rebuild } from './rebuild.ts';
import { resolveRemovals, type Removals } from './remove-channels.ts';
import { traceModel } from './trace.ts';
import { zeroPositions } from './weight-values.ts';

/**
 * A copy of a model, of the same size, in which the given channels contribute 0 to every layer that reads them:
 * the weights that read them are set to 0. What {@link removeChannels} returns computes the same, with less.
 *
 * Use it to try a removal out, or to check one.
 *
 * @param model Not changed.
 * @param removals Group id → indexes of channels within the group.
 * @returns The copy; the caller owns it.
 * @throws As {@link removeChannels}, but a layer may lose all of its channels.
 */
export async function maskChannels(model: LayersModel, removals: Removals): Promise<LayersModel> {
  const trace = traceModel(model);
  const gone = resolveRemovals('maskChannels', trace, removals);
  return rebuild(model, configOf(model), (layer, weight, old) => {
    const axes = trace.layers.get(layer)?.axes ?? [];
    const reads = axes.filter((axis) => axis.role === 'input' && axis.weight === weightName(weight));
    return reads.reduce((values, { axis, labels }) => {
      const masked = [...labels.keys()].filter((i) => gone.has(trace.classes.find(labels[i]!)));
      return zeroPositions(values, axis, masked);
    }, old);
  });
}
