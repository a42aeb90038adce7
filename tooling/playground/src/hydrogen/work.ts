import {
  adam,
  hydrogen,
  hydrogenRepulsion,
  lowestLevels,
  parallelQuantumGame,
  realAmplitudes,
} from '@ockham/quantum-game';
import { pause, throwIfStopped } from '../work/pause.ts';
import type { OpenWork } from '../work/protocol.ts';
import type { HydrogenCommand, HydrogenReport } from './messages.ts';

const LEVELS = 4;
/** Every round is shown up to this one, then every fifth. */
const EACH_UP_TO = 30;

const MOST_ROUNDS = 500;

/** All levels of H2 on two qubits, as players that move at once. */
export const openHydrogen: OpenWork<HydrogenCommand, HydrogenReport> =
  (report) =>
  async ({ seed, optimizer, pause: wait }, signal) => {
    const molecule = hydrogen();
    const ansatz = realAmplitudes(molecule.qubits);
    const above = (energies: Iterable<number>) =>
      Array.from(energies, (energy) => energy + hydrogenRepulsion);
    report({ kind: 'exact', energies: above(lowestLevels(molecule, LEVELS).values) });

    const play = (maxRounds: number) =>
      parallelQuantumGame(molecule, ansatz, LEVELS, {
        ...{ seed, maxRounds },
        ...(optimizer === 'adam' && { optimizer: adam() }),
      });
    const started = performance.now();
    const { rounds, certificate, ledger } = play(MOST_ROUNDS);
    const milliseconds = performance.now() - started;

    // a game that is ended early is the same game up to there: the seed decides it
    for (let round = 1; round < rounds + 5; round += round < EACH_UP_TO ? 1 : 5) {
      throwIfStopped(signal);
      const last = Math.min(round, rounds);
      const { levels } = play(last);
      report({
        kind: 'round',
        round: last,
        energies: above(levels.map(({ energy }) => energy)),
        rests: last === rounds,
      });
      if (last === rounds) break;
      await pause(wait);
    }
    report({
      ...{ kind: 'verdict', passed: certificate.passed, rounds, milliseconds },
      gradients: ledger.gradientCalls,
    });
  };
