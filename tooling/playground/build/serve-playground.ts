import { resolve } from 'node:path';
import { build, preview, type InlineConfig } from 'vite';

/** A server of the built page. */
export interface PlaygroundServer {
  /** Addresses for this machine and, where asked for, for others. */
  readonly addresses: readonly string[];
  close(): Promise<void>;
}

/**
 * Builds the page and serves it.
 *
 * @param outDir Where the built page goes. Default `dist` of this package.
 */
export async function servePlayground(outDir = 'dist'): Promise<PlaygroundServer> {
  const config: InlineConfig = {
    root: resolve(import.meta.dirname, '..'),
    logLevel: 'warn',
    build: { outDir, emptyOutDir: true },
  };
  await build(config);
  const server = await preview(config);
  return {
    addresses: server.resolvedUrls?.local ?? [],
    close: () => server.close(),
  };
}
