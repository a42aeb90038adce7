import { layerPaths } from '@ockham/core/graph';
import { sha256 } from '@ockham/core/files';
import type { Layer } from '@ockham/core/training';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { lastName } from './targets.ts';

/**
 * A SHA-256 over the names, shapes and bits of a model's weights, in hex: the same for the same base on every machine.
 *
 * @param except Layers whose weights do not count, such as a classifier that an adapter brings along.
 */
export async function baseFingerprint(
  model: LayersModel,
  except: ReadonlySet<Layer> = new Set(),
): Promise<string> {
  const lines: string[] = [];
  for (const [layer, path] of layerPaths(model)) {
    if (except.has(layer)) continue;
    for (const weight of layer.weights) {
      const values = await weight.read().data();
      const bits = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      lines.push(
        `${path}/${lastName(weight.originalName)} [${weight.shape.join(', ')}] ${await sha256(bits)}`,
      );
    }
  }
  // the order of a layer's weights depends on what is frozen
  return sha256(new TextEncoder().encode(lines.sort().join('\n')));
}
