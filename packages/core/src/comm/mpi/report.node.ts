import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import type { CommErrorCode } from '../comm-error.ts';

/** What a rank under `launchMpi` leaves in a folder of its own machine. */
export type MpiReport =
  | { readonly kind: 'started'; readonly pid: number }
  | { readonly kind: 'done'; readonly result: unknown }
  | {
      readonly kind: 'failed';
      readonly code: CommErrorCode;
      readonly rank: number | undefined;
      readonly message: string;
    };

/** Nothing unless the launcher asked for it by `OCKHAM_COMM_REPORTS`. */
export function writeReport(rank: number, report: MpiReport): void {
  const folder = process.env.OCKHAM_COMM_REPORTS;
  if (folder === undefined || !existsSync(folder)) return;
  const path = join(folder, `${rank}.${report.kind}`);
  writeFileSync(`${path}.part`, serialize(report));
  renameSync(`${path}.part`, path);
}

export function readReport<K extends MpiReport['kind']>(
  folder: string,
  rank: number,
  kind: K,
): Extract<MpiReport, { kind: K }> | undefined {
  const path = join(folder, `${rank}.${kind}`);
  if (!existsSync(path)) return undefined;
  return deserialize(readFileSync(path)) as Extract<MpiReport, { kind: K }>;
}
