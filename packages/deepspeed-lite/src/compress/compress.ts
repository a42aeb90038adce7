/**
 * Post-training quantisation of a whole model in one call.
 *
 * Source: survey section 3.2.2, 3.2.3 and 3.2.5; ZeroQuant (Yao et al. 2022): weights in groups, activations by token, each
 * layer distilled from the float one.
 * Deviations: tables of words and positions are quantised too, since they are most of a small BERT; layers that follow see
 * what the layers before have lost.
 */
import { checkModel, cloneModel } from '@ockham/core/models';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { disposeModel } from '../tensor/split-model.ts';
import { checkEngine } from './check-engine.ts';
import { assemble } from './compressed-model.ts';
import { planCompression, type CompressData, type CompressOptions } from './options.ts';
import { quantizeLayers } from './quantize-layers.ts';
import { compressReport, type CompressReport } from './report.ts';

/** What {@link compress} returns. */
export interface Compressed {
  /**
   * An ordinary model of the same inputs and outputs whose large weights stay packed in memory. `saveCompressed` writes it
   * as it is; its own `save` writes the float model that it stands for. The caller disposes of it.
   */
  readonly model: LayersModel;
  /** Sizes, accuracy and speed before and after. */
  readonly report: CompressReport;
}

/**
 * Compresses a trained model: dense kernels, convolutions, tables of words and positions become codes of a few bits, on disk
 * and in memory. What is small, biases, normalisation, narrow heads, takes half precision in the file.
 *
 * @param model Unchanged. One input, one output.
 * @param data `train` is what calibration and distillation see, without labels; `test` is what the report evaluates on.
 * @throws ArgumentError for options out of range and data that does not fit or is not finite, NothingChangedError where no
 *   weight would be quantised, NonFiniteError for weights that are not finite, UnsupportedModelError for models that cannot
 *   be copied, OckhamError `engine-differs` where the engine's quantised products differ from the reference,
 *   AbortedError when the signal fires. In every case nothing is left behind.
 *
 * @example
 * const { model: small, report } = await compress(model, data, {
 *   quantize: { weights: 4, activations: 8, group: 64 },
 *   distill: true,
 * });
 * report.file.ratio; // 7 and more
 */
export async function compress(
  model: LayersModel,
  data: CompressData,
  options: CompressOptions,
): Promise<Compressed> {
  const who = 'compress';
  checkModel(who, model);
  const planned = planCompression(who, model, data, options);
  const copy = await cloneModel(model);
  let small: LayersModel | undefined;
  try {
    const packed = await quantizeLayers(who, model, copy, planned, data.train, options);
    small = await assemble(copy, packed, options.floats ?? 'float16');
    await checkEngine();
    return { model: small, report: await compressReport(who, model, small, packed, data, options) };
  } catch (error) {
    small?.dispose();
    throw error;
  } finally {
    disposeModel(copy);
  }
}
