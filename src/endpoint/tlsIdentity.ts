import { createHash, type Hash } from 'node:crypto';
import { isPlain, ownOptions } from './ownOptions.js';
import type { TLSIdentityOptions } from './TLSOptions.js';

const ids = new WeakMap<object, number>();
let lastId = 0;

/**
 * A short string that is equal only for options that make the same TLS connections: part of the key under which an
 * agent pools connections, and a session cache sessions. Secrets and certificates are in it as a SHA-256 hash, a
 * function as a number given to it when it is first seen. Options that differ in form only (a string and a Buffer, a
 * list of one) count as different, which costs a connection and no safety.
 *
 * Gotcha: hashing a bundle of CAs takes time; compute it once per set of options, not per request.
 */
export function tlsIdentity(options: TLSIdentityOptions): string {
  const own = ownOptions(options);
  const hash = createHash('sha256');
  add(hash, {
    // What is no string is refused where it is used.
    servername: typeof own.servername === 'string' ? own.servername.toLowerCase() : own.servername,
    // Anything but `false` keeps the verification on, and is the same.
    rejectUnauthorized: own.rejectUnauthorized !== false,
    ca: own.ca,
    cert: own.cert,
    key: own.key,
    pfx: own.pfx,
    passphrase: own.passphrase,
    ciphers: own.ciphers,
    minVersion: own.minVersion,
    maxVersion: own.maxVersion,
    ALPNProtocols: own.ALPNProtocols ?? ['http/1.1'],
    checkServerIdentity: own.checkServerIdentity,
  });
  return hash.digest('base64url');
}

/** Each value is preceded by its type and length, so that no two structures run together into the same bytes. */
function add(hash: Hash, value: unknown): void {
  if (typeof value === 'string') hash.update(`string ${Buffer.byteLength(value)} `).update(value);
  else if (value instanceof Uint8Array) hash.update(`bytes ${value.byteLength} `).update(value);
  else if (Array.isArray(value)) {
    hash.update(`array ${value.length} `);
    for (const item of value) add(hash, item);
  } else if (isPlain(value)) {
    const keys = Object.keys(value).sort();
    hash.update(`object ${keys.length} `);
    for (const key of keys) {
      add(hash, key);
      add(hash, value[key]);
    }
  } else if ((typeof value === 'object' && value !== null) || typeof value === 'function') {
    hash.update(`id ${idOf(value)} `);
  } else hash.update(`${typeof value} ${String(value)} `);
}

function idOf(value: object): number {
  let id = ids.get(value);
  if (id === undefined) ids.set(value, (id = ++lastId));
  return id;
}
