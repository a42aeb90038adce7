import type { Communicator } from '@ockham/core/comm';
import { NonFiniteError } from '@ockham/core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Value } from '../program/calls.ts';
import type { Program } from '../program/cut-model.ts';
import { runBlock, type RunMode } from '../program/run-block.ts';

/** A forward pass to look at. */
export interface Suspect {
  /** The rank whose loss was not finite. */
  readonly rank: number;
  readonly loss: number;
  /** On that rank: its batch. */
  readonly batch?: { readonly x: Tensor; readonly y: Tensor; readonly mode: RunMode };
}

/**
 * Runs the forward pass of one rank again and throws an error that names the first layer whose output is not finite, and the rank; on
 * all ranks. Collective: blocks are gathered on all where their parameters are shared out.
 *
 * @param bring Puts a block's parameters into its variables, and takes them away again.
 */
export async function throwNonFinite(
  who: string,
  control: Communicator,
  program: Program,
  { rank, loss, batch }: Suspect,
  bring: { readonly before: (block: number) => Promise<void>; readonly after: (block: number) => void },
): Promise<never> {
  const all = program.blocks.flatMap(({ calls }) => calls);
  const found = Int32Array.of(all.length);
  const live = new Map<Value, Tensor>(batch ? program.inputs.map((value) => [value, batch.x]) : []);
  const made: Tensor[] = [];
  for (const [i, block] of program.blocks.entries()) {
    await bring.before(i);
    if (batch) {
      const watch: Parameters<typeof runBlock>[4] = (call, outputs) => {
        if (found[0]! < all.length) return;
        if (outputs.some((output) => output.dataSync().some((x) => !Number.isFinite(x))))
          found[0] = all.indexOf(call);
      };
      const { outputs, penalties } = runBlock(program, block, live, batch.mode, watch);
      for (const [value, tensor] of outputs) live.set(value, tensor);
      made.push(...outputs.values(), ...penalties.map(({ term }) => term));
    }
    bring.after(i);
  }
  for (const tensor of made) tensor.dispose();
  await control.broadcast(found, { root: rank });
  throw nonFiniteLoss(who, { rank, loss }, all[found[0]!]?.layer.name);
}

/** The error for a loss that is not finite. @param layer The first whose output is not, if there is one. */
export function nonFiniteLoss(
  who: string,
  { rank, loss }: Pick<Suspect, 'rank' | 'loss'>,
  layer: string | undefined,
): NonFiniteError {
  const where =
    layer === undefined
      ? 'every layer is finite, the loss function is not'
      : `the layer ${layer} is the first whose output is not finite`;
  return new NonFiniteError(
    `${who}: the loss became ${loss} on rank ${rank}: ${where}. The parameters are those before this update. Lower the learning rate, check the inputs' range, or set lossScaling.`,
  );
}
