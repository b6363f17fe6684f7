import type { Duplex } from 'node:stream';
import { Inbox } from './Inbox.js';
import { StreamTransport } from './StreamTransport.js';
import type { TransportInfo } from './Transport.js';

/**
 * A transport over any Duplex, by its 'data' events: for `duplex()`, and for TLS inside another transport, where Node
 * has no `onread`. Its chunks are private already, so that `ownBuffer` changes nothing.
 *
 * Gotcha: the Duplex must emit 'close' after `destroy()`, as all do unless made with `emitClose: false`.
 */
export class DuplexTransport extends StreamTransport {
  constructor(duplex: Duplex, info: TransportInfo) {
    const inbox = new Inbox();
    super(duplex, inbox, info);
    // Paused first: a 'data' listener would make it flow before anybody reads.
    duplex.pause();
    duplex.on('data', (chunk: Uint8Array | string) => {
      inbox.arrived(typeof chunk === 'string' ? Buffer.from(chunk) : chunk, false);
    });
  }
}
