import type { Observer, Unsubscribable } from 'rxjs';
import {
  HTTP11ClientProtocol,
  type Connection,
  type ProtocolRequest,
  type ProtocolResponse,
} from '../protocol/index.js';
import type { Receiver } from './Receiver.js';

/** The lease, as its request sees it. */
export interface Requester {
  answered(response: ProtocolResponse): void;
  failed(error: unknown, request: ProtocolRequest, receiver: Receiver<ProtocolResponse>): void;
  /** Whoever asked has gone, or has all that there is. */
  left(): void;
}

/** The request as long as all goes well: observes the connection, and is what its receiver unsubscribes. */
export class FirstAttempt implements Observer<ProtocolResponse>, Unsubscribable {
  constructor(
    private readonly lease: Requester,
    private readonly request: ProtocolRequest,
    private readonly receiver: Receiver<ProtocolResponse>,
  ) {}

  /** Sends it, at the time `now` if that was just read. */
  over(connection: Connection, now: number | undefined): Unsubscribable | undefined {
    return HTTP11ClientProtocol.isPlain(connection)
      ? connection.send(this.request, this, now)
      : connection.request(this.request).subscribe(this);
  }

  next(response: ProtocolResponse): void {
    this.lease.answered(response);
    this.receiver.next(response);
  }

  error(error: unknown): void {
    this.lease.failed(error, this.request, this.receiver);
  }

  complete(): void {
    this.receiver.complete();
  }

  unsubscribe(): void {
    this.lease.left();
  }
}
