import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The CA of certs/. The program has no folder of its own: it is run from the root of the repository. */
export function ca(): string {
  return readFileSync(join('spec/loopback/certs/ca.cert.pem'), 'latin1');
}
