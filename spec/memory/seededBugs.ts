import type { SeededBug } from '../support/seedBug.js';

/** A seeded bug, and the loads that must take too much memory with it. */
interface MemoryBug extends SeededBug {
  /** What the names of these loads begin with. */
  readonly loads: readonly string[];
}

export const seededBugs: readonly MemoryBug[] = [
  {
    name: 'a body takes more than its consumer',
    file: 'protocol/IncomingBody.ts',
    declaration: 'IncomingBody.hungry',
    replacement: 'get hungry() { return true; }',
    loads: ['unread: Content-Length', 'unread: chunked', 'unread: until close', '1 GiB, a chunk a second'],
  },
  {
    name: 'an upload does not wait for the socket',
    file: 'protocol/Upload.ts',
    declaration: 'Upload.#write',
    replacement: '#write(bytes) { this.#original(bytes); return true; }',
    loads: ['upload, the server stops reading'],
  },
  {
    name: 'heads have no limit',
    file: 'wire/ResponseLimits.ts',
    declaration: 'defaultResponseLimits',
    replacement: 'export const defaultResponseLimits = { ...original, maxHeadSize: 1e9, maxHeaderCount: 1e9 };',
    loads: ['flood: head', 'flood: field'],
  },
];
