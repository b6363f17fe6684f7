import type { Mutation } from '../support/bundle.js';

/** A guard that is switched off, and the loads that must take too much memory then. */
export interface Control {
  readonly name: string;
  readonly mutations: readonly Mutation[];
  /** What the names of these loads begin with. */
  readonly loads: readonly string[];
}

export const controls: readonly Control[] = [
  {
    name: 'the socket is never paused',
    mutations: [
      {
        file: 'endpoint/Inbox.ts',
        from: 'if (!this.#discarded && this.#closed === undefined) this.#valve?.pause();',
        to: '',
      },
      {
        file: 'endpoint/SocketTransport.ts',
        from: 'inbox.arrived(buffer.subarray(0, size), true)',
        to: '(inbox.arrived(buffer.subarray(0, size), true), true)',
      },
    ],
    loads: ['unread: Content-Length', 'unread: chunked', 'unread: until close', '1 GiB, a chunk a second'],
  },
  {
    name: 'unread bodies are read to their end',
    mutations: [
      {
        file: 'protocol/IncomingBody.ts',
        from: 'return this.#queued <= this.readAhead;',
        to: 'return true;',
      },
    ],
    loads: ['unread: Content-Length', 'unread: chunked', 'unread: until close'],
  },
  {
    name: 'an upload does not wait for the socket',
    mutations: [
      { file: 'protocol/Upload.ts', from: 'if (!this.#write(slice)) {', to: 'if (!this.#write(slice) && false) {' },
    ],
    loads: ['upload, the server stops reading'],
  },
  {
    name: 'heads have no limit',
    mutations: [
      { file: 'wire/ResponseLimits.ts', from: 'maxHeadSize: 16_384,', to: 'maxHeadSize: 2 ** 30,' },
      { file: 'wire/ResponseLimits.ts', from: 'maxHeaderCount: 1_000,', to: 'maxHeaderCount: 2 ** 30,' },
    ],
    loads: ['flood: head', 'flood: field'],
  },
];
