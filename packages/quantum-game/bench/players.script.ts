import { self, type Communicator } from '@ockham/core/comm';
import { realAmplitudes, transverseFieldIsing } from '@ockham/quantum-game';
import { parallelQuantumGameOn } from '@ockham/quantum-game/parallel';

/** Rounds of each timed game, by qubits, and how often each is timed. */
export interface Games {
  readonly rounds: Readonly<Record<number, number>>;
  readonly repeats: number;
  readonly warmup: number;
}

/** Milliseconds of a round of four players, one for each repeat: [on all ranks, on rank 0 alone]. */
export type Times = Record<number, (readonly [together: number, alone: number])[]>;

/** Times the games in turns on all ranks and on rank 0 alone. */
export default async function timeGames(
  comm: Communicator,
  { rounds, repeats, warmup }: Games,
): Promise<Times> {
  const times: Times = {};
  for (let repeat = -warmup; repeat < repeats; repeat++) {
    for (const [n, most] of Object.entries(rounds)) {
      // one that slept while another played needs a while to wake
      for (let i = 0; i < 3; i++) await comm.barrier();
      const together = await timeRound(comm, Number(n), most);
      await comm.barrier();
      const alone = comm.rank === 0 ? await timeRound(self(), Number(n), most) : 0;
      if (repeat >= 0) (times[Number(n)] ??= []).push([together, alone]);
    }
  }
  return times;
}

async function timeRound(comm: Communicator, qubits: number, rounds: number): Promise<number> {
  // nobody rests, so that every player moves in every round
  const options = { seed: 1, maxRounds: rounds, residualTolerance: 0, restarts: 0 };
  const circuit = realAmplitudes(qubits, { repetitions: 4 });
  const start = performance.now();
  const played = await parallelQuantumGameOn(comm, transverseFieldIsing(qubits), circuit, 4, options);
  if (played.rounds !== rounds)
    throw new Error(`players: ${rounds} rounds must be played, got ${played.rounds}.`);
  return (performance.now() - start) / rounds;
}
