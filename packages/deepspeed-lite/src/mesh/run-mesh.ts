/** Forward and backward passes of all micro-batches of an update, on a mesh with tensor or pipeline ranks. */
import type { Split } from '@ockham/core';
import { batchOf, flatLayers, lossFunction } from '@ockham/core/training';
import { dispose, type Tensor, type Variable } from '@tensorflow/tfjs-core';
import type { RankState } from '../engine/rank-state.ts';
import { runPipeline, type LossTerm } from '../pipeline/run-pipeline.ts';
import type { RunMode } from '../program/run-block.ts';
import type { Range } from '../zero/shares.ts';
import { piecesOf } from './stage.ts';

/**
 * Runs an update's micro-batches through the stages; gradients go to the store block by block. Collective.
 *
 * @param indexes The examples of a micro-batch.
 * @returns The loss of each, the same on all ranks of the pipeline and of the tensor group.
 */
export async function runOnMesh(
  rank: RankState,
  data: Split,
  indexes: (microBatch: number) => Int32Array,
  mode: (microBatch: number) => RunMode,
): Promise<Float64Array> {
  const { plan, gradients, mesh } = rank.parts;
  const { program, stage, steps } = rank.parts.parallel!;
  const { accumulation, zero, activationCheckpointing } = plan;
  const local = new Map(stage.blocks.map((block, i) => [block, i]));
  const numbers = Array.from({ length: accumulation }, (_, m) => m);
  const batches = numbers.map((m) => batchOf(data, indexes(m)));
  try {
    const terms = await runPipeline({
      program,
      cuts: stage.cuts,
      steps,
      batches: batches.map(({ x, y }) => ({ inputs: [x], target: y })),
      mode,
      loss: lossFunction(plan.loss),
      pipeline: mesh.pipeline,
      tensor: mesh.tensor,
      options: {
        recompute: (i) => activationCheckpointing !== false && i < program.blocks.length - 1,
        releaseVariables: zero === 3,
        scale: rank.scaling?.scale ?? 1,
        ...(rank.checkpoints && { split: rank.checkpoints }),
      },
      around: {
        before: (i, next) => rank.bring(local.get(i)!, local.get(next) ?? -1),
        after: (i, held, found) => {
          const own = local.get(i)!;
          rank.peak.note(held(), rank.gathered(own) + bytesOf(found));
          rank.takeAway(own);
        },
        afterLoss: (held) => rank.peak.note(held(), 0),
      },
      onGradients: async (i, m, found) => {
        const range = rangeOfPiece(rank, i);
        if (range) gradients.begin(m === 0, m === accumulation - 1, range);
        await gradients.add(rank.ranges[local.get(i)!]!, await rank.read(found));
      },
    });
    return await sumTerms(rank, terms, flatLayers(program.model).length);
  } finally {
    for (const { x, y } of batches) dispose([x, y]);
  }
}

/** What of the flat vector a piece has, if a block is its last one that is not a marker: the first to come back. */
function rangeOfPiece({ parts, ranges }: RankState, block: number): Range | undefined {
  const { stage } = parts.parallel!;
  const own = piecesOf(stage).find((piece) => stage.blocks[piece.at(-1)!] === block);
  return own && { begin: ranges[own[0]!]!.begin, end: ranges[own.at(-1)!]!.end };
}

/** Adds the terms of the stages' losses in the order in which core adds them: the loss, then its regularised layers. */
async function sumTerms(
  { parts }: RankState,
  terms: readonly (readonly LossTerm[])[],
  layers: number,
): Promise<Float64Array> {
  const places = layers + 1;
  const values = new Float64Array(terms.length * places);
  // one stage has each term, so that the sum over the stages is exact
  for (const [m, list] of terms.entries())
    for (const { place, value } of list) values[m * places + place + 1] = value;
  await parts.mesh.control.pipeline.allReduce(values);
  return Float64Array.from(terms, (_, m) =>
    values.subarray(m * places, (m + 1) * places).reduce((sum, value) => Math.fround(sum + value)),
  );
}

function bytesOf(gradients: ReadonlyMap<Variable, Tensor> | undefined): number {
  return [...(gradients?.values() ?? [])].reduce((sum, { size }) => sum + 4 * size, 0);
}
