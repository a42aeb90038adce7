import { appendFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useBackend } from '@ockham/core/backend/node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { killRank } from './fixtures/kill-rank.ts';

/** `OCKHAM_COMM_KILLS=25` makes it fifty in all; `OCKHAM_COMM_KILLS_LOG` names a file for how long it took until all were told. */
const runs = Number(process.env.OCKHAM_COMM_KILLS ?? 1);
const log = process.env.OCKHAM_COMM_KILLS_LOG;

let home: string;
beforeAll(async () => void (home = await mkdtemp(join(tmpdir(), 'kills-'))));
afterAll(async () => {
  await rm(home, { recursive: true });
  await useBackend((process.env.OCKHAM_ENGINE ?? 'auto') as 'auto');
});

it.each(['threads', 'processes'] as const)(
  'four %s of which a random one dies at a random update go on as three, to the bits of the planned replay',
  async (as) => {
    for (let seed = 0; seed < runs; seed++) {
      const { victim, lost, told, detection, results, replay } = await killRank(as, seed, home);
      if (log !== undefined) appendFileSync(log, `${JSON.stringify({ as, seed, victim, detection })}\n`);
      expect({ as, seed, lost, told }).toEqual({ as, seed, lost: [victim], told: [victim, victim, victim] });
      expect(results).toHaveLength(3);
      expect(results).toEqual(replay);
      // how long it may take is a question for an idle machine, and for many
      if (runs > 1) expect(detection, `${as}, seed ${seed}`).toBeLessThanOrEqual(2000);
    }
  },
  3_600_000,
);
