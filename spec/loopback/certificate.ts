import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export type CertificateName = 'server' | 'wrong-host' | 'expired' | 'self-signed' | 'wildcard' | 'client';

/** The CA that signed all of them but `self-signed`. */
export const ca = read('ca.cert.pem');

/**
 * The PEM files of certs/, as options of `node:tls`. `server` is for localhost, one.test, two.test, 127.0.0.1, ::1,
 * `wildcard` for *.wild.test.
 */
export function certificate(name: CertificateName): { readonly key: string; readonly cert: string } {
  return { key: read(`${name}.key.pem`), cert: read(`${name}.cert.pem`) };
}

function read(file: string): string {
  return readFileSync(join(__dirname, 'certs', file), 'latin1');
}
