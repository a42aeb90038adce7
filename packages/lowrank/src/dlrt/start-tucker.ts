/** The factors that a convolution in Tucker's form starts from. */
import { matrix } from '@ockham/core/linalg';
import type { Random } from '@ockham/core/random';
import type { LayerPlan } from './layer-plan.ts';
import type { DlrtOptions } from './options.ts';
import { finiteKernel, normOf, randomBasis } from './start-factors.ts';
import { tuckerOf } from './tucker-core.ts';
import type { TuckerRule, TuckerValues } from './tucker-factors.ts';

/**
 * The layer's kernel truncated, or, at a random start, orthonormal bases and a Gaussian core of the kernel's own norm.
 *
 * @throws NonFiniteError for NaN or infinity in the weights.
 */
export async function startTucker(
  { path, layer, outputs: n, inputs: m, initialRank }: LayerPlan,
  rules: TuckerRule,
  start: DlrtOptions['start'],
  random: Random,
): Promise<TuckerValues> {
  const kernel = await finiteKernel(path, layer);
  const [h, w, c] = layer.weights[0]!.shape as [number, number, number];
  const places = h * w;
  const at = (rule: TuckerRule['inputs'], otherwise?: number) => {
    const rank = initialRank ?? otherwise;
    if (rank === undefined) return rule;
    const bounded = Math.max(rule.minRank, Math.min(rank, rule.maxRank));
    return { ...rule, tolerance: 0, minRank: bounded, maxRank: bounded };
  };
  if (start !== 'random') {
    return tuckerOf(matrix(m, n, Float64Array.from(kernel)), places, at(rules.inputs), at(rules.outputs));
  }
  const inputs = at(rules.inputs, Math.ceil(c / 4)).maxRank;
  const outputs = Math.min(at(rules.outputs, Math.ceil(n / 4)).maxRank, places * inputs);
  const stream = random.stream('start').stream(path);
  const draw = stream.stream('core');
  const drawn = Float64Array.from({ length: places * inputs * outputs }, () => draw.normal());
  const scale = normOf(kernel) / Math.hypot(...drawn);
  return {
    core: { places, inputs, outputs, values: drawn.map((value) => scale * value) },
    u: randomBasis(n, outputs, stream.stream('u')),
    v: randomBasis(c, inputs, stream.stream('v')),
  };
}
