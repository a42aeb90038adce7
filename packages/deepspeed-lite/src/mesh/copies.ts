import type { RankState } from '../engine/rank-state.ts';
import { fillVariable } from '../zero/flat-variables.ts';

/** A line of its own beside those of the micro-batches. */
const TAG = 32767;

/** Sends what a stage owns and others use, a table at both ends, to those. Collective over the pipeline's ranks; one direction only. */
export async function sendCopies(rank: RankState): Promise<void> {
  const { mesh, program, parallel } = rank.parts;
  const { pipeline } = mesh;
  for (const { variable, owner, users } of parallel?.stage.copies ?? []) {
    if (owner === pipeline.rank) {
      const block = program.blocks.findIndex(({ variables }) => variables.includes(variable));
      await rank.bring(block, -1);
      const values = (await variable.data<'float32'>()).slice();
      rank.takeAway(block);
      await Promise.all(users.map((user) => pipeline.send(values, user, { tag: TAG })));
    } else if (users.includes(pipeline.rank)) {
      const values = await pipeline.recv(new Float32Array(variable.size), owner, { tag: TAG });
      fillVariable(variable, values);
    }
  }
}
