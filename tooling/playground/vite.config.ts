import { defineConfig } from 'vite';
import { digitsPlugin } from './build/digits-plugin.ts';
import { offlinePlugin } from './build/offline-plugin.ts';
import { securityHeaders } from './build/security-headers.ts';

export default defineConfig({
  base: './', // works in any folder of a server
  resolve: { conditions: ['@ockham/source', 'browser', 'module', 'import', 'default'] },
  plugins: [digitsPlugin(), offlinePlugin()],
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    chunkSizeWarningLimit: 2500, // TensorFlow.js is one file
    rolldownOptions: {
      checks: { bundlerTimings: false },
      input: { page: 'index.html', 'service-worker': 'src/offline/service-worker.ts' },
      output: {
        // its address decides what a service worker may answer for
        entryFileNames: ({ name }) =>
          name === 'service-worker' ? 'service-worker.js' : 'assets/[name]-[hash].js',
      },
    },
  },
  preview: { headers: securityHeaders },
});
