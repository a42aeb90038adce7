import { ArgumentError } from '@ockham/core';
import { hydrogen, hydrogenRepulsion, quantumGame, realAmplitudes } from '@ockham/quantum-game';
import { claim, experiment, inEveryRow, pointsOfRows, where, type Row } from '@ockham/reproduce';
import { worstError } from './hydrogen.ts';

interface Config {
  readonly constants: readonly number[];
}

interface ShiftRow extends Row {
  readonly constant: number;
  readonly form: 'automatic shift' | 'as printed';
  /** Whether the method refused with its reason instead of answering. */
  readonly refused: boolean;
  /** Largest error of the four levels; null where refused. */
  readonly error: number | null;
  /** Whether the certificate passed. */
  readonly certified: boolean;
  /** log10 of it, not below −16. */
  readonly digits: number | null;
}

export default experiment<Config, ShiftRow, never>({
  id: 'quantum-game/shift',
  paper: 'Equation 8 with a constant added to the Hamiltonian',
  datasets: [],
  scales: {
    smoke: { seeds: 2, config: { constants: [-10, hydrogenRepulsion, 10] } },
    standard: { seeds: 5, config: { constants: [-10, -3, -1, 0, hydrogenRepulsion, 1, 3, 10] } },
    paper: { seeds: 20, config: { constants: [-10, -3, -1, 0, hydrogenRepulsion, 1, 2, 3, 5, 10] } },
  },
  why: { constants: 'from −10 to 10, the nuclear repulsion of H2 among them' },
  differences: ['Four levels instead of three: the fourth is above 0 once the nuclear repulsion is added.'],
  run({ config, seed }) {
    return config.constants.flatMap((constant) =>
      (['automatic shift', 'as printed'] as const).map((form): ShiftRow => {
        try {
          const found = quantumGame(hydrogen().shifted(constant), realAmplitudes(2), 4, {
            seed,
            ...(form === 'as printed' && { shift: 0 }),
          });
          const error = worstError(found, constant);
          const digits = Math.log10(Math.max(1e-16, error));
          const certified = found.certificate.passed;
          return { seed, constant, form, refused: false, certified, error, digits };
        } catch (error) {
          if (!(error instanceof ArgumentError)) throw error;
          return { seed, constant, form, refused: true, certified: false, error: null, digits: null };
        }
      }),
    );
  },
  claims: [
    claim('with the automatic shift a constant changes nothing: four levels to 1e-8', {
      paper: 'not said',
      measure: (rows) =>
        inEveryRow(where(rows, { form: 'automatic shift' }), (r) => r.error !== null && r.error < 1e-8),
    }),
    claim('an answer that is off by more than 1e-6 is never certified, in either form', {
      paper: 'our bar',
      measure: (rows) =>
        inEveryRow(
          rows.filter(({ error }) => error !== null && error > 1e-6),
          ({ certified }) => !certified,
        ),
    }),
    claim('the printed form finds the four levels of H2 with its nuclear repulsion', {
      paper: 'eq. 8 as printed',
      measure: (rows) =>
        inEveryRow(
          where(rows, { form: 'as printed', constant: hydrogenRepulsion }),
          (r) => r.error !== null && r.error < 1.6e-3,
        ),
    }),
  ],
  plot: (rows) =>
    pointsOfRows(
      rows.filter((row) => row.digits !== null),
      {
        title: 'H2 + constant: error of four levels, where there is an answer',
        x: { field: 'constant', title: 'constant added, hartree' },
        y: { field: 'digits', title: 'log10 of the largest error' },
        series: 'form',
      },
    ),
});
