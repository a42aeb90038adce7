import { execFile } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { readAudit, unexplained } from '../src/advisories.ts';

const advisory = {
  id: 1,
  url: 'https://github.com/advisories/GHSA-aaaa-bbbb-cccc',
  title: 'A hole',
  severity: 'high',
  vulnerable_versions: '<99',
  cwe: ['CWE-22'],
  cvss: { score: 7, vectorString: null },
};

let server: Server | undefined;
afterEach(() => void server?.close());

/** The gate against a registry that answers every audit like this. */
async function audit(
  status: number,
  answer: unknown,
): Promise<{ code: number; stdout: string; stderr: string }> {
  server = createServer((request, response) => {
    response.writeHead(request.url!.includes('/advisories/') ? status : 404, {
      'content-type': 'application/json',
    });
    response.end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const gate = ['src/audit.ts', '--registry', `http://127.0.0.1:${port}/`];
  const options = { cwd: join(import.meta.dirname, '..') };
  return promisify(execFile)(process.execPath, gate, options).then(
    (printed) => ({ code: 0, ...printed }),
    (error: unknown) => error as { code: number; stdout: string; stderr: string },
  );
}

describe('the audit gate', () => {
  it('fails with the advisory that nothing explains, and with the way to it', async () => {
    const { code, stdout, stderr } = await audit(200, { koffi: [advisory] });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '1 advisories, 1 of them to deal with\n' });
    expect(stderr).toMatch(/^GHSA-aaaa-bbbb-cccc \(high\) in koffi: A hole\. By packages__core>koffi\./);
  }, 60_000);

  it('passes what audit.json explains', async () => {
    const { code, stdout } = await audit(200, { tar: [advisory] });
    expect({ code, stdout }).toEqual({ code: 0, stdout: '1 advisories, 0 of them to deal with\n' });
  }, 60_000);

  it('says that it is skipped where the registry has no audits', async () => {
    const { code, stdout } = await audit(405, {});
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'skipped: the registry gave no audit (status 405)\n',
    });
  }, 60_000);

  it('takes an explanation only where every path leads through the package it names', () => {
    const found = (paths: string[]) => [{ id: 'GHSA-1', package: 'tar', severity: 'low', title: 'T', paths }];
    const explained = [{ package: 'tar', through: 'engine', reason: 'R' }];
    expect(unexplained(found(['.>engine>tar', '.>engine>fetch>tar']), explained)).toEqual([]);
    expect(unexplained(found(['.>engine>tar', '.>tar']), explained)).toHaveLength(1);
  });

  it('tells an empty report from none', () => {
    expect(readAudit('{"advisories":{}}')).toEqual([]);
    expect(readAudit('{"error":{"code":"ERR"}}')).toBeUndefined();
    expect(readAudit('Service unavailable')).toBeUndefined();
  });
});
