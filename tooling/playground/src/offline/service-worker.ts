/** Keeps the files of the page: what is named by its content comes from the cache, the rest from the network while there is one. */

/** What a service worker's global object has beyond a page's, as far as it is used here. */
interface ServiceWorkerScope {
  readonly registration: { readonly scope: string };
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(
    type: 'install' | 'activate' | 'fetch',
    listener: (event: {
      readonly request: Request;
      waitUntil(work: Promise<unknown>): void;
      respondWith(answer: Promise<Response>): void;
    }) => void,
  ): void;
}

const scope = globalThis as unknown as ServiceWorkerScope;
const PREFIX = 'ockham-playground-';

async function install(): Promise<void> {
  const list = await fetch('offline.json', { cache: 'no-store' });
  const { version, files } = (await list.json()) as { version: string; files: string[] };
  const cache = await caches.open(PREFIX + version);
  await cache.addAll(['./', ...files].map((file) => new Request(file, { cache: 'no-cache' })));
  for (const name of await caches.keys())
    if (name.startsWith(PREFIX) && name !== PREFIX + version) await caches.delete(name);
  await scope.skipWaiting();
}

async function answer(request: Request): Promise<Response> {
  const named = new URL(request.url).pathname.includes('/assets/');
  const kept = await caches.match(request, { ignoreSearch: !named, ignoreVary: true });
  if (named && kept) return kept;
  try {
    return await fetch(request);
  } catch (error) {
    if (kept) return kept;
    throw error;
  }
}

scope.addEventListener('install', (event) => event.waitUntil(install()));
scope.addEventListener('activate', (event) => event.waitUntil(scope.clients.claim()));
scope.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method === 'GET' && request.url.startsWith(scope.registration.scope))
    event.respondWith(answer(request));
});
