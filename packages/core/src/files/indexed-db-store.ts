import { DataError } from '../errors.ts';
import type { SnapshotStore } from '../training/types.ts';
import { decodeSnapshot, encodeSnapshot } from './snapshot.ts';

const DATABASE = 'ockham';
const TABLE = 'snapshots';

/**
 * Keeps one snapshot under `name` in the browser's IndexedDB; a write is one transaction, so a closed tab
 * leaves the former snapshot whole. Works in workers and in pages without HTTPS.
 *
 * @throws DataError, from each method, `storage-failed` where the browser has no IndexedDB or refuses to
 *   store; `corrupt-file` from `read` where the content is damaged.
 */
export function indexedDbStore(name: string): SnapshotStore {
  const who = `indexedDbStore('${name}')`;
  return {
    read: async () => {
      const bytes = await inTransaction(
        who,
        'readonly',
        (table) => table.get(name) as IDBRequest<Uint8Array | undefined>,
      );
      return bytes && decodeSnapshot(bytes, who);
    },
    write: async (snapshot) => {
      const bytes = encodeSnapshot(snapshot);
      await inTransaction(who, 'readwrite', (table) => table.put(bytes, name));
    },
    remove: async () => {
      await inTransaction(who, 'readwrite', (table) => table.delete(name));
    },
  };
}

async function inTransaction<T>(
  who: string,
  mode: IDBTransactionMode,
  work: (table: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  if (typeof indexedDB === 'undefined') {
    throw new DataError(
      'storage-failed',
      `${who}: needs a browser with IndexedDB, which is not here. Use memoryStore(), or fileStore() in Node.`,
    );
  }
  let database: IDBDatabase | undefined;
  try {
    database = await openDatabase();
    const transaction = database.transaction(TABLE, mode);
    const request = work(transaction.objectStore(TABLE));
    await new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new Error('the transaction was aborted'));
    });
    return request.result;
  } catch (cause) {
    throw new DataError(
      'storage-failed',
      `${who}: the browser refused (${cause instanceof Error ? cause.message : String(cause)}). ` +
        `Free some space or leave private browsing; the former snapshot is unchanged.`,
      { cause },
    );
  } finally {
    database?.close();
  }
}

function openDatabase(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(TABLE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('the database did not open'));
    request.onblocked = () => reject(new Error('another tab keeps an older version open'));
  });
}
