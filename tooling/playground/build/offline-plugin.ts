import { createHash } from 'node:crypto';
import type { Plugin } from 'vite';

/** Lists every file of the page for its service worker, which keeps them, so that a second visit needs no network. */
export function offlinePlugin(): Plugin {
  return {
    name: 'ockham-offline',
    apply: 'build',
    enforce: 'post',
    generateBundle: {
      order: 'post',
      handler(_, bundle) {
        const hash = createHash('sha256');
        for (const file of Object.values(bundle)) {
          hash.update(file.fileName);
          hash.update(file.type === 'asset' ? file.source : file.code);
        }
        const files = Object.keys(bundle).filter(
          (name) => name !== 'service-worker.js' && !name.endsWith('.map'),
        );
        const list = { version: hash.digest('hex').slice(0, 12), files };
        this.emitFile({ type: 'asset', fileName: 'offline.json', source: JSON.stringify(list) });
      },
    },
  };
}
