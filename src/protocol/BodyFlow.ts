import type { Exchange } from './Exchange.js';
import type { ExchangeTimer } from './ExchangeTimer.js';
import type { ResponseReader } from './ResponseReader.js';
import type { StateMachine } from './StateMachine.js';

/**
 * Lets the bytes of a response body flow as fast as the consumer takes them, and times the silence of each side.
 *
 * ```
 *   server     ─d─d───────d─d─|
 *   consumer   ─d─(holds)──d─d─|
 *   timer      ^─^┘       ^─^─┘     bodyIdle runs only while the server is waited for
 * ```
 */
export class BodyFlow {
  constructor(
    private readonly reader: ResponseReader,
    private readonly timer: ExchangeTimer,
    private readonly machine: StateMachine,
    /** Bytes that are read to save a connection whose consumer unsubscribed. */
    private readonly maxDrain: number,
    private readonly owner: { cancelled(exchange: Exchange): void },
  ) {}

  /** The subscriber of the request gets its response. */
  announce(exchange: Exchange): void {
    this.timer.wait('bodyIdle');
    exchange.announce();
  }

  /** Reading was paused, as the consumer takes no more, or goes on. */
  flow(exchange: Exchange, flowing: boolean): void {
    if (this.machine.state === 'draining') return;
    if (flowing) this.timer.wait('bodyIdle');
    else if (exchange.body!.claimed) this.timer.hold();
    else this.timer.wait('unclaimed');
  }

  /** The consumer takes more. */
  wanted(exchange: Exchange): void {
    if (exchange.over) return;
    if (this.timer.waitingFor === 'unclaimed') this.timer.clear();
    this.reader.pump();
  }

  ownBuffer(on: boolean): void {
    this.reader.ownBuffer(on);
  }

  /** The consumer unsubscribed. A short known rest is read, to keep the connection; else the connection ends. */
  dropped(exchange: Exchange, working: boolean): void {
    if (exchange.over) return;
    const { remaining } = this.reader;
    // Work that cannot be stopped keeps its view of the connection's buffer: nothing is read into that any more.
    if (working) this.reader.abandonBuffer();
    if (working || this.machine.state !== 'receiving' || remaining < 0 || remaining > this.maxDrain) {
      this.owner.cancelled(exchange);
      return;
    }
    this.machine.enter('drain');
    this.timer.wait('drain');
    this.reader.pump();
  }
}
