import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { EngineConfig, Plan } from '../engine/config.ts';
import type { Parallel } from '../engine/rank-state.ts';
import { pipelineSchedule } from '../pipeline/schedule.ts';
import { cutModel, type Program } from '../program/cut-model.ts';
import { disposeModel, splitModel } from '../tensor/split-model.ts';
import { fillVariable, releaseVariable } from '../zero/flat-variables.ts';
import type { RankMesh } from './rank-mesh.ts';
import { stageOf } from './stage.ts';
import { takePart, wholeParts } from './whole-parts.ts';

/**
 * A rank's tensor part of its pipeline stage. Collective over all ranks.
 *
 * @throws UnsupportedModelError for a model that cannot be split or has too few blocks; the model is unchanged then.
 */
export async function ownPart(
  model: LayersModel,
  whole: Program,
  plan: Plan,
  { world, tensor, pipeline }: RankMesh,
  { cut }: Pick<EngineConfig, 'cut'>,
): Promise<Parallel> {
  const split = tensor.size > 1 ? splitModel(model, tensor.rank, tensor.size) : undefined;
  try {
    const program = split ? cutModel(split.model, cut) : whole;
    const parts = wholeParts(model, program, split);
    const { chunks: pieces, blockCost } = plan;
    // parts may differ in size, and measured costs from rank to rank
    const costs = await world.broadcast(Float64Array.from(program.blocks, blockCost));
    const stage = stageOf('initialize', program, {
      rank: pipeline.rank,
      stages: pipeline.size,
      pieces,
      costs,
    });
    const { accumulation: microBatches, schedule, chunks } = plan;
    const steps = pipelineSchedule(schedule, { stages: pipeline.size, microBatches, chunks })[pipeline.rank]!;
    return { program, stage, steps, parts, split };
  } catch (error) {
    if (split) disposeModel(split.model);
    throw error;
  }
}

/** Gives a rank its part of the whole model's values. What it does not own or use has none from then on. */
export async function keepOwn(
  whole: Program,
  { program, stage, parts, split }: Parallel,
  { rank }: RankMesh['pipeline'],
): Promise<void> {
  const used = new Set([
    ...stage.program.variables,
    ...stage.program.state,
    ...stage.copies.filter(({ users }) => users.includes(rank)).map(({ variable }) => variable),
  ]);
  if (split)
    for (const variable of used) {
      const part = parts.get(variable)!;
      fillVariable(variable, takePart(part, await part.whole.data<'float32'>()));
    }
  for (const variable of new Set([
    ...whole.variables,
    ...whole.state,
    ...program.variables,
    ...program.state,
  ]))
    // prettier-ignore
    if (!used.has(variable)) releaseVariable(variable);
}
