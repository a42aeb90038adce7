import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { EngineConfig, Plan } from '../engine/config.ts';
import type { Parallel } from '../engine/rank-state.ts';
import { pipelineSchedule } from '../pipeline/schedule.ts';
import { cutModel, type Program } from '../program/cut-model.ts';
import { disposeModel, splitModel } from '../tensor/split-model.ts';
import { releaseVariable } from '../zero/flat-variables.ts';
import type { RankMesh } from './rank-mesh.ts';
import { stageOf } from './stage.ts';
import { wholeParts } from './whole-parts.ts';

/**
 * A rank's tensor part of its pipeline stage. What it does not own or use has no values from then on.
 *
 * @throws UnsupportedModelError for a model that cannot be split or has too few blocks; the model is unchanged then.
 */
export function ownPart(
  model: LayersModel,
  whole: Program,
  plan: Plan,
  { tensor, pipeline }: Pick<RankMesh, 'tensor' | 'pipeline'>,
  { cut }: Pick<EngineConfig, 'cut'>,
): Parallel {
  const split = tensor.size > 1 ? splitModel(model, tensor.rank, tensor.size) : undefined;
  try {
    const program = split ? cutModel(split.model, cut) : whole;
    const parts = wholeParts(model, program, split);
    const { chunks: pieces, blockCost: cost } = plan;
    const stage = stageOf(program, { rank: pipeline.rank, stages: pipeline.size, pieces, cost });
    const { accumulation: microBatches, schedule, chunks } = plan;
    const steps = pipelineSchedule(schedule, { stages: pipeline.size, microBatches, chunks })[pipeline.rank]!;
    const used = new Set([
      ...stage.program.variables,
      ...stage.program.state,
      ...stage.copies.filter(({ users }) => users.includes(pipeline.rank)).map(({ variable }) => variable),
    ]);
    for (const variable of new Set([
      ...whole.variables,
      ...whole.state,
      ...program.variables,
      ...program.state,
    ]))
      // prettier-ignore
      if (!used.has(variable)) releaseVariable(variable);
    return { program, stage, steps, parts, split };
  } catch (error) {
    if (split) disposeModel(split.model);
    throw error;
  }
}
