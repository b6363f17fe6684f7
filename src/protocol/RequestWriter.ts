import type { Transport } from '../endpoint/index.js';
import type { HTTPClientError } from '../errors/index.js';
import type { DeadlineSweep } from '../timing/index.js';
import type { Exchange } from './Exchange.js';
import { Upload, type UploadOwner } from './Upload.js';

/** A body of up to this many bytes is copied behind its head, to be sent in one packet. */
const smallBody = 16 * 1024;

/** What becomes of a request that is being written. */
export interface WriterOwner {
  /** The transport has taken the last byte, at this time. */
  written(exchange: Exchange, at: number): void;
  /** The transport holds bytes back (true), or takes them again (false). */
  blocked(exchange: Exchange, blocked: boolean): void;
  /** A part of the body was written. */
  moved(exchange: Exchange): void;
  /** The body cannot be produced, or is not what was announced. */
  unsendable(exchange: Exchange, error: HTTPClientError): void;
}

/** Writes requests, one at a time: small ones in one write, bodies with backpressure. */
export class RequestWriter {
  constructor(
    private readonly transport: Transport,
    private readonly clock: DeadlineSweep,
    private readonly owner: WriterOwner,
  ) {}

  write(exchange: Exchange): void {
    const { transport } = this;
    const { head, body, framing } = exchange.message;
    if (body === null) this.#sent(exchange, transport.write(head));
    else if (body instanceof Uint8Array && body.length <= smallBody) {
      const flowing = transport.write(Buffer.concat([Buffer.from(head, 'latin1'), body]));
      exchange.uploaded(body.length);
      this.#sent(exchange, flowing);
    } else {
      // With a length of 0 it is the whole request: the server must not see that before the source has said so.
      const whole = framing.kind === 'length' && framing.length === 0;
      if (!whole) transport.write(head);
      // A transport that answers from within `write` may have ended the exchange already, or refused the body.
      if (exchange.over || (exchange.head !== null && exchange.head.status >= 300)) return;
      const owner: UploadOwner = {
        uploadBlocked: blocked => this.owner.blocked(exchange, blocked),
        uploadProgress: loaded => {
          exchange.uploaded(loaded);
          this.owner.moved(exchange);
        },
        uploadDone: () => this.owner.written(exchange, this.clock.now()),
        uploadFailed: error => this.owner.unsendable(exchange, error),
      };
      const upload = new Upload(body, framing, transport, owner, whole ? head : '');
      exchange.upload = upload;
      upload.start();
    }
  }

  #sent(exchange: Exchange, flowing: boolean): void {
    if (flowing) {
      this.owner.written(exchange, exchange.startedAt);
      return;
    }
    this.owner.blocked(exchange, true);
    this.transport.drained(() => this.owner.written(exchange, this.clock.now()));
  }
}
