/** The whole model's weights, from the ranks of a mesh. */
import type { RankState } from '../engine/rank-state.ts';
import { rounding } from '../engine/precision.ts';
import { fillVariable } from '../zero/flat-variables.ts';
import { gatherTensor } from './gather-whole.ts';
import { brings, eachWhole, partOf } from './reshape-flat.ts';

/** Fills the variables of the whole model on every rank. Collective over all ranks. */
export async function fillWhole(rank: RankState): Promise<void> {
  const { whole, plan } = rank.parts;
  const round = rounding(plan.precision);
  await eachWhole(rank, await rank.parameters(), (entry, values) => {
    round?.(values);
    fillVariable(whole.program.variables[entry]!, values);
  });
  for (const [i, values] of (await wholeState(rank)).entries()) fillVariable(whole.program.state[i]!, values);
}

/** Moving averages and frozen weights of the whole model. Collective over all ranks. */
export async function wholeState(rank: RankState): Promise<Float32Array[]> {
  const { whole, program, mesh, parallel } = rank.parts;
  const found: Float32Array[] = [];
  for (const variable of whole.program.state) {
    const own = program.state.find((each) => partOf(rank.parts, each).whole === variable);
    const part = own && partOf(rank.parts, own);
    const first = own && rank.rank === 0 && (parallel?.stage.states.get(own) ?? 0) === mesh.pipeline.rank;
    const values = first && brings(rank, part!) ? await own.data<'float32'>() : undefined;
    found.push(
      await gatherTensor(
        mesh.world,
        variable.size,
        values ? [{ part: part!, begin: 0, end: values.length, values }] : [],
      ),
    );
  }
  return found;
}
