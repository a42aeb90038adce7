import type { NonFiniteError } from '@ockham/core';
import { lossFunction } from '@ockham/core/training';
import { nonFiniteLoss, type Suspect } from '../engine/find-non-finite.ts';
import type { RankState } from '../engine/rank-state.ts';
import { runPipeline } from '../pipeline/run-pipeline.ts';

/**
 * Runs the forward pass of one data rank again, through its stages and tensor parts, and makes an error that names the first layer whose
 * output is not finite, and that rank. Collective over all ranks.
 */
export async function explainOnMesh(
  rank: RankState,
  { rank: where, loss, batch }: Suspect,
): Promise<NonFiniteError> {
  const { mesh, plan } = rank.parts;
  const { program, stage } = rank.parts.parallel!;
  const calls = program.blocks.flatMap((block) => block.calls);
  const found = Int32Array.of(calls.length);
  if (batch)
    await runPipeline({
      program,
      cuts: stage.cuts,
      steps: Array.from({ length: plan.chunks }, (_, chunk) => ({ kind: 'forward', microBatch: 0, chunk })),
      batches: [{ inputs: [batch.x], target: batch.y }],
      mode: () => batch.mode,
      loss: lossFunction(plan.loss),
      pipeline: mesh.pipeline,
      tensor: mesh.tensor,
      options: {
        recompute: () => true,
        watch: (call, outputs) => {
          if (outputs.some((output) => output.dataSync().some((x) => !Number.isFinite(x))))
            found[0] = Math.min(found[0]!, calls.indexOf(call));
        },
      },
      onGradients: () => undefined,
      around: {
        before: (i) => rank.bring(stage.blocks.indexOf(i), -1),
        after: (i) => rank.takeAway(stage.blocks.indexOf(i)),
      },
    });
  else
    for (const i of stage.blocks.keys()) {
      await rank.bring(i, -1);
      rank.takeAway(i);
    }
  await mesh.world.allReduce(found, 'min');
  return nonFiniteLoss('trainBatch', { rank: where, loss }, calls[found[0]!]?.layer.name);
}
