import type { SeededBug } from '../support/seedBug.js';
import type { CancelCell } from './cancel/cells.js';
import type { Cell } from './Cell.js';

/** A seeded bug, and cells that must notice. */
interface Noticed<C> extends SeededBug {
  readonly cells: readonly C[];
  /** What at least one of them says. */
  readonly noticed: RegExp;
}

const plain: Cell = {
  fault: 'close',
  phase: 'after the request',
  method: 'GET',
  lease: 'fresh',
  read: 'text',
  framing: 'length',
};

export const faultBugs: readonly Noticed<Cell>[] = [
  {
    name: 'every first failure is retried',
    file: 'pool/shouldRetry.ts',
    declaration: 'shouldRetry',
    replacement: 'export function shouldRetry(failure) { return failure.first; }',
    cells: [{ ...plain, method: 'POST', lease: 'reused' }],
    noticed: /retries is 1 instead of 0/,
  },
  {
    name: 'nobody waits for the loop to poll',
    file: 'pool/Polls.ts',
    declaration: 'Polls.add',
    replacement: 'add(place) { this.polled([place]); }',
    cells: [{ ...plain, fault: 'answers unasked', phase: 'at accept' }],
    noticed: /how is "answer" instead of "error instead of an answer"/,
  },
  {
    name: 'the source of an upload is not stopped',
    file: 'protocol/Upload.ts',
    declaration: 'Upload.stop',
    replacement: 'stop() { this.#over = true; }',
    cells: [{ ...plain, phase: 'in the request body', method: 'POST' }],
    noticed: /openSources is 1 instead of 0/,
  },
];

export const cancelBugs: readonly Noticed<CancelCell>[] = [
  {
    name: 'a body of unknown length is nearly at its end',
    file: 'protocol/ResponseReader.ts',
    declaration: 'ResponseReader.remaining',
    replacement: 'get remaining() { return Math.max(0, this.original); }',
    cells: [{ state: 'S12 between chunks, a rest of unknown length to come', action: 'U' }],
    noticed: /leasedThen is 1 instead of 0/,
  },
  {
    name: 'a dial that nobody waits for goes on',
    file: 'endpoint/dial.ts',
    declaration: 'dial',
    replacement: `export function dial(options, open) {
      return original(options, (ready, failed) => {
        open(ready, failed);
        return () => {};
      });
    }`,
    cells: [{ state: 'S3 in the TLS handshake', action: 'U' }],
    noticed: /openDials is 1 instead of 0/,
  },
];

export const seededBugs: readonly SeededBug[] = [...faultBugs, ...cancelBugs];
