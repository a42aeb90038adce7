import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folders: string[] = [];

process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** An empty folder that goes when the process ends. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ockham-hardening-'));
  folders.push(folder);
  return folder;
}
