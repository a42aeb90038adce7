/** The part of a program that one pipeline rank runs and owns. */
import { UnsupportedModelError } from '@ockham/core';
import type { Variable } from '@tensorflow/tfjs-core';
import { balanceStages } from '../pipeline/balance-stages.ts';
import type { Block, Program } from '../program/cut-model.ts';

/** What a rank has of a program. */
export interface Stage {
  /** Piece k of the program has the blocks [cuts[k], cuts[k + 1]); stage s has the pieces s, s + p, s + 2p, … */
  readonly cuts: readonly number[];
  /** The stage's blocks without markers, with the variables that it owns. */
  readonly program: Program;
  /** Numbers of its blocks in the whole program, in order. */
  readonly blocks: readonly number[];
  /** Of the whole program's variables, which stage owns it: the one of the first block that uses it. */
  readonly owners: ReadonlyMap<Variable, number>;
  /** Of the whole program's untrained variables, the first stage that has it. */
  readonly states: ReadonlyMap<Variable, number>;
  /** Variables of other stages that this one uses too, or the other way round: copies travel after each update. */
  readonly copies: readonly Copy[];
}

/** A variable that is owned by one stage and used by others. */
export interface Copy {
  readonly variable: Variable;
  readonly owner: number;
  readonly users: readonly number[];
}

/** Cost of a block, in any unit, for balancing stages. */
export type BlockCost = (block: Block) => number;

/** Elements of the parameters that a block uses: what its time grows with in a transformer. */
export const parametersOf: BlockCost = ({ variables, shared }) =>
  [...variables, ...shared].reduce((sum, { size }) => sum + size, 0);

/**
 * Cuts a program into pieces of balanced cost and takes those of one stage.
 *
 * @param who Whom errors name.
 * @param pieces Per stage.
 * @param costs Of the blocks; the same on all ranks, or they would cut in different places.
 * @throws UnsupportedModelError where a stage would have nothing to learn, or a layer with moving averages is in two stages.
 */
export function stageOf(
  who: string,
  program: Program,
  { rank, stages, pieces, costs }: { rank: number; stages: number; pieces: number; costs: Float64Array },
): Stage {
  const learning = program.blocks.filter(({ variables }) => variables.length > 0).length;
  if (stages * pieces > learning)
    throw new UnsupportedModelError(
      `${who}: ${stages} pipeline ranks of ${pieces} ${pieces === 1 ? 'piece' : 'pieces'} need as many blocks with weights, got ${learning}: a block cannot be cut. Use fewer pipeline ranks, or cut: { at: 'layers' }.`,
    );
  const cuts = cutBlocks(program, stages * pieces, costs);
  const stageOfBlock = (i: number): number => cuts.findLastIndex((begin) => begin <= i) % stages;
  const owners = new Map<Variable, number>();
  const users = new Map<Variable, Set<number>>();
  const states = new Map<Variable, number>();
  for (const [i, block] of program.blocks.entries()) {
    const stage = stageOfBlock(i);
    for (const variable of block.variables) owners.set(variable, stage);
    for (const variable of block.shared) users.set(variable, (users.get(variable) ?? new Set()).add(stage));
    for (const variable of block.state) {
      const former = states.get(variable) ?? stage;
      const layer = block.calls.find(({ layer: each }) => each.weights.some((w) => w.read() === variable));
      if (former !== stage && layer?.layer.trainable === true)
        throw new UnsupportedModelError(
          `${who}: the layer ${layer.layer.name} has moving averages and is called in the pipeline stages ${former} and ${stage}. Call it once, or use mesh.pipeline: 1.`,
        );
      states.set(variable, former);
    }
  }
  const blocks = [...program.blocks.keys()].filter((i) => stageOfBlock(i) === rank && !program.blocks[i]!.marker); // prettier-ignore
  const own = blocks.map((i): Block => {
    const block = program.blocks[i]!;
    return { ...block, shared: block.shared.filter((variable) => owners.get(variable) === rank) };
  });
  const copies = [...users].map(([variable, by]): Copy => {
    const owner = owners.get(variable)!;
    return { variable, owner, users: [...by].filter((stage) => stage !== owner).sort((a, b) => a - b) };
  });
  return {
    cuts,
    blocks,
    owners,
    states,
    copies: copies.filter((copy) => copy.users.length > 0),
    program: {
      ...program,
      blocks: own,
      variables: own.flatMap(({ variables }) => variables),
      state: [...new Set(own.flatMap(({ state }) => state))],
    },
  };
}

/** For each piece of a stage the places of its blocks among the stage's. */
export function piecesOf({ cuts, blocks }: Pick<Stage, 'cuts' | 'blocks'>): number[][] {
  const pieces = new Map<number, number[]>();
  for (const [i, block] of blocks.entries()) {
    const piece = cuts.findLastIndex((begin) => begin <= block);
    pieces.set(piece, [...(pieces.get(piece) ?? []), i]);
  }
  return [...pieces.values()];
}

/** Balances runs of blocks that begin where one has weights of its own, so that no piece is without. */
function cutBlocks({ blocks }: Program, pieces: number, each: Float64Array): number[] {
  const begins = blocks.flatMap(({ variables }, i) => (variables.length > 0 ? [i] : []));
  begins[0] = 0;
  const costs = begins.map((begin, k) =>
    each.slice(begin, begins[k + 1]).reduce((sum, cost) => sum + cost, 0),
  );
  return balanceStages(costs, pieces).map((k) => begins[k] ?? blocks.length);
}
