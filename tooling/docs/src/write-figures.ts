import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { decisionRows } from './decision-rows.ts';
import { decisionTable, withTable } from './decision-table.ts';

/** `pnpm --filter @ockham/docs figures`: brings the figures of the guide up to date with the recorded results. */
const root = resolve(import.meta.dirname, '../../..');
const guide = join(root, 'docs/choose-a-method.md');
writeFileSync(guide, withTable(readFileSync(guide, 'utf8'), decisionTable(decisionRows, root)));
