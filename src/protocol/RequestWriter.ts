import type { Transport } from '../endpoint/index.js';
import type { HTTPClientError } from '../errors/index.js';
import type { DeadlineSweep } from '../timing/index.js';
import type { Exchange } from './Exchange.js';
import type { ExchangeTimer } from './ExchangeTimer.js';
import type { StateMachine } from './StateMachine.js';
import { Upload, type UploadOwner } from './Upload.js';

/** A body of up to this many bytes is copied behind its head, to be sent in one packet. */
const smallBody = 16 * 1024;

export interface WriterOwner {
  /** The body cannot be produced, or is not what was announced. */
  failed(exchange: Exchange, error: HTTPClientError): void;
}

/** Writes requests, one at a time: small ones in one write, bodies with backpressure. */
export class RequestWriter {
  constructor(
    private readonly transport: Transport,
    private readonly clock: DeadlineSweep,
    private readonly machine: StateMachine,
    private readonly timer: ExchangeTimer,
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
        uploadBlocked: blocked => this.#blocked(exchange, blocked),
        uploadProgress: loaded => {
          exchange.uploaded(loaded);
          this.#moved(exchange);
        },
        uploadDone: () => this.#written(exchange, this.clock.now()),
        uploadFailed: error => {
          if (!exchange.over) this.owner.failed(exchange, error);
        },
      };
      const upload = new Upload(body, framing, transport, owner, whole ? head : '');
      exchange.upload = upload;
      upload.start();
    }
  }

  #sent(exchange: Exchange, flowing: boolean): void {
    if (flowing) {
      this.#written(exchange, exchange.startedAt);
      return;
    }
    this.#blocked(exchange, true);
    this.transport.drained(() => this.#written(exchange, this.clock.now()));
  }

  /** The transport has taken the last byte, at the time `at`. */
  #written(exchange: Exchange, at: number): void {
    if (exchange.over) return;
    exchange.writtenAt = at;
    if (this.machine.enter('written') === 'waiting') this.timer.waitForHeaders(at);
    exchange.tell('sent');
  }

  /** The transport holds bytes back, or takes them again. */
  #blocked(exchange: Exchange, blocked: boolean): void {
    // A response that is being read meanwhile has a deadline of its own.
    if (exchange.over || this.machine.state !== 'transmitting') return;
    if (blocked) this.timer.wait('upload');
    else this.timer.clear();
  }

  /** A part of the body was written. */
  #moved(exchange: Exchange): void {
    // The server has answered and waits for the rest: its silence is no fault while the upload moves.
    if (exchange.over || this.machine.state !== 'early' || !this.timer.running) return;
    if (this.timer.waitingFor === 'bodyIdle') this.timer.wait('bodyIdle');
  }
}
