import type { Subscription } from 'rxjs';
import type { Transport } from '../endpoint/index.js';
import { ConnectError, isHTTPClientError, textOf, type HTTPClientError } from '../errors/index.js';
import { HTTP11ClientProtocol, type Connection, type ConnectionOwner } from '../protocol/index.js';
import { loopTurn } from '../timing/index.js';
import type { Inventory } from './Inventory.js';
import type { PoolSettings } from './PoolOptions.js';
import type { Slot } from './Bucket.js';

/** What becomes of a connection, told to whoever decides what that means. */
export interface DialOwner {
  /** The loop has polled since the connection was made or taken: it can be handed out. */
  polled(slot: Slot): void;
  /** There is no connection, or none that can be trusted. */
  failed(slot: Slot, error: HTTPClientError): void;
  /** An exchange is over, and the connection can be used again. `now`: the time, if it was just read. */
  returned(slot: Slot, used: boolean, now?: number): void;
  disconnected(slot: Slot, error: HTTPClientError | null): void;
  socketClosed(slot: Slot): void;
  /** Something went wrong that concerns no caller. */
  report(slot: Slot, error: unknown): void;
}

/** Makes connections, and watches them until the loop has polled. */
export class Dialer {
  constructor(
    private readonly settings: PoolSettings,
    private readonly inventory: Inventory,
    private readonly owner: DialOwner,
  ) {}

  /** Dials for a slot that is `connecting`. */
  connect(slot: Slot): void {
    slot.dialledAt = this.inventory.deadlines.now();
    this.inventory.tell(slot.bucket, { type: 'connecting' });
    let dial: Subscription;
    try {
      dial = slot.endpoint.subscribe({
        next: transport => this.#connected(slot, transport),
        error: error => this.#failed(slot, error),
        complete: () => this.#failed(slot, new ConnectError('The endpoint completed without a connection')),
      });
    } catch (cause) {
      // It is the user's, and may be no Observable at all.
      this.#failed(slot, new ConnectError(`The endpoint cannot be subscribed to: ${textOf(cause)}`, { cause }));
      return;
    }
    // An endpoint may emit, or fail, from within `subscribe`.
    if (slot.state === 'connecting') slot.dial = dial;
    else this.inventory.hangUp(slot.bucket, dial);
  }

  /** A connection that was idle or leased is wanted. */
  validate(slot: Slot): void {
    this.take(slot);
    this.poll(slot);
  }

  take(slot: Slot): void {
    if (slot.unreffed) {
      slot.unreffed = false;
      slot.connection!.ref();
    }
    this.inventory.move(slot, 'validating');
  }

  #connected(slot: Slot, transport: Transport): void {
    const { bucket } = slot;
    const { inventory, settings } = this;
    // A transport that comes too late, or is one too many, belongs to nobody.
    if (slot.state !== 'connecting') {
      transport.destroy();
      return;
    }
    try {
      slot.connection = settings.protocolFactory(transport, {
        persistent: settings.persistent,
        limits: settings.limits,
        deadlines: inventory.deadlines,
        report: error => this.owner.report(slot, error),
      });
    } catch (cause) {
      transport.destroy();
      this.#failed(slot, new ConnectError(`The protocolFactory threw: ${textOf(cause)}`, { cause }));
      return;
    }
    const { connection, dial } = slot;
    if (connection.capacity !== 1) {
      connection.close();
      this.#failed(slot, new ConnectError(`A connection of capacity ${connection.capacity} is not understood yet`));
      return;
    }
    // The factory is the user's: it may have ended what it makes a connection for.
    if (slot.state !== 'connecting') {
      connection.close();
      return;
    }
    const now = inventory.deadlines.now();
    inventory.move(slot, 'validating');
    inventory.sockets.add(slot);
    inventory.count(bucket, 'opened');
    inventory.tell(bucket, { type: 'connected', elapsed: now - slot.dialledAt });
    bucket.lastDialError = undefined;
    // Jittered, or all the connections of a burst would be made anew in one.
    if (settings.maxConnectionAge !== Infinity) {
      slot.expiresAt = now + settings.maxConnectionAge * (1 - Math.random() / 10);
    }
    // Before anything else can happen to it. One that is dead already says so from within `subscribe`.
    this.#watch(slot, connection);
    slot.dial = null;
    inventory.hangUp(bucket, dial);
    this.poll(slot);
  }

  #watch(slot: Slot, connection: Connection): void {
    if (connection instanceof HTTP11ClientProtocol) {
      connection.owner = new Watch(slot, this.owner);
      return;
    }
    connection.quiescent.subscribe(() => this.owner.returned(slot, true));
    connection.disconnected.subscribe({
      next: error => this.owner.disconnected(slot, error),
      complete: () => this.owner.socketClosed(slot),
    });
  }

  #failed(slot: Slot, cause: unknown): void {
    if (slot.state !== 'connecting') return;
    const { bucket } = slot;
    const error = isHTTPClientError(cause) ? cause : new ConnectError(`The dial failed: ${textOf(cause)}`, { cause });
    const elapsed = this.inventory.deadlines.now() - slot.dialledAt;
    bucket.lastDialError = error;
    this.inventory.count(bucket, 'connectFailures');
    this.inventory.tell(bucket, { type: 'connect-failed', error, elapsed });
    this.owner.failed(slot, error);
  }

  /** Nobody gets a connection before the loop has polled: what came meanwhile, bytes or an end, ends it. */
  poll(slot: Slot): void {
    const { validateIdle } = this.settings;
    if (slot.state !== 'validating') return;
    if (validateIdle === true) loopTurn.after(() => this.#polled(slot));
    else if (validateIdle === false) this.#polled(slot);
    else {
      // The Observable's first sign, an end included, says that the loop has polled.
      let subscription: Subscription | null = null;
      let polled = false;
      const once = (): void => {
        if (polled) return;
        polled = true;
        slot.dial = null;
        subscription?.unsubscribe();
        this.#polled(slot);
      };
      subscription = validateIdle.subscribe({
        next: once,
        complete: once,
        error: (cause: unknown) => {
          this.owner.report(slot, cause);
          once();
        },
      });
      if (polled) subscription.unsubscribe();
      else slot.dial = subscription;
    }
  }

  #polled(slot: Slot): void {
    if (slot.state === 'validating') this.owner.polled(slot);
  }
}

/** What the pool hears of one of our own connections, without a subscription. */
class Watch implements ConnectionOwner {
  constructor(
    private readonly slot: Slot,
    private readonly owner: DialOwner,
  ) {}

  quiescent(now: number): void {
    this.owner.returned(this.slot, true, now);
  }

  disconnected(error: HTTPClientError | null): void {
    this.owner.disconnected(this.slot, error);
  }

  socketClosed(): void {
    this.owner.socketClosed(this.slot);
  }
}
