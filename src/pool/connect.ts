import type { Subscription } from 'rxjs';
import type { Endpoint, Transport } from '../endpoint/index.js';
import { ConnectError, isHTTPClientError, textOf, type HTTPClientError } from '../errors/index.js';
import type { EvictionReason } from '../events/index.js';
import type { ExchangeConnection, ProtocolContext } from '../protocol/index.js';
import { guarded } from '../timing/index.js';
import type { Bucket, KeyDial, KeyPlace } from './Bucket.js';
import { DisconnectedSubscriber, QuiescentSubscriber } from './connectionSubscribers.js';
import type { Core } from './Core.js';
import { Dial } from './Dial.js';
import { passOn } from './get.js';
import { PooledConnection, Place } from './Place.js';
import { freeSeats, poll, startValidation } from './validate.js';

/** Takes a place for a dial. `subscribeDial` starts it, when the dial is linked to its get. */
export function beginDial(core: Core, bucket: Bucket, endpoint: Endpoint, beganFor: KeyDial['beganFor']): KeyDial {
  const dial: KeyDial = new Dial(endpoint, beganFor, core.deadlines.now());
  core.places.add(new Place(bucket, dial));
  return dial;
}

/** Starts the dial, unless it left its place meanwhile. */
export function subscribeDial(core: Core, dial: KeyDial): void {
  const { bucket } = dial.place;
  // User code may have ended the dial before it began.
  if (dial.place.state.kind !== 'connecting') return;
  core.tell(bucket, { type: 'connecting' });
  let subscription: Subscription;
  try {
    subscription = dial.endpoint.subscribe({
      next: transport => connected(core, dial, transport),
      error: error => failed(core, dial, error),
      complete: () => failed(core, dial, new ConnectError('The endpoint completed without a connection')),
    });
  } catch (cause) {
    // The endpoint is the user's, and may be no Observable at all.
    failed(core, dial, new ConnectError(`The endpoint cannot be subscribed to: ${textOf(cause)}`, { cause }));
    return;
  }
  // An endpoint may emit, or fail, from within `subscribe`.
  if (dial.place.state.kind === 'connecting') dial.subscription = subscription;
  else core.hangUp(bucket, subscription);
}

function connected(core: Core, dial: KeyDial, transport: Transport): void {
  const { settings, deadlines } = core;
  const { place } = dial;
  const { bucket } = place;
  // The dial is over: this transport came too late, or is a second one.
  if (place.state.kind !== 'connecting') {
    guarded(() => transport.destroy());
    return;
  }
  let connection: ExchangeConnection;
  try {
    connection = settings.connect(transport, contextOf(core, bucket));
  } catch (cause) {
    guarded(() => transport.destroy());
    failed(core, dial, new ConnectError(`The protocolFactory failed: ${textOf(cause)}`, { cause }));
    return;
  }
  // The factory is the user's: it may have ended the dial that it makes a connection for.
  if (place.state.kind !== 'connecting') {
    connection.close();
    return;
  }
  const now = deadlines.now();
  dial.waiter?.unlink();
  bucket.freeDials?.delete(dial);
  const pooled = new PooledConnection(connection, now + jittered(settings.maxConnectionAge));
  startValidation(core, place, pooled, dial);
  core.sockets.add(place);
  core.count(bucket, 'opened');
  core.tell(bucket, { type: 'connected', elapsed: now - dial.startedAt });
  bucket.lastDialError = undefined;
  // Before anything else can happen to the connection. A dead one says so from within `subscribe`.
  listen(core, place, pooled);
  core.hangUp(bucket, dial.subscription);
  dial.subscription = null;
  // A connection that takes nothing at present leaves its get uncovered.
  core.loop.touch(bucket);
  poll(core, place);
  core.loop.run();
}

/** What the pool gives to the connections of a key. */
function contextOf(core: Core, bucket: Bucket): ProtocolContext {
  const { persistent, limits } = core.settings;
  return (bucket.context ??= {
    persistent,
    limits,
    deadlines: core.deadlines,
    report: error => core.report(bucket, error),
  });
}

/** Shortens the age by up to a tenth, so that the connections of a burst do not expire at once. */
function jittered(age: number): number {
  return age === Infinity ? Infinity : age * (1 - Math.random() / 10);
}

/** The pool subscribes to what a connection tells of itself, for as long as the connection lives. */
function listen(core: Core, place: KeyPlace, { connection }: PooledConnection): void {
  connection.quiescent.subscribe(new QuiescentSubscriber(core, place));
  connection.disconnected.subscribe(new DisconnectedSubscriber(core, place));
  connection.capacityChanged?.subscribe({ next: () => capacityChanged(core, place) });
}

function capacityChanged(core: Core, place: KeyPlace): void {
  const { bucket, state } = place;
  if (state.kind === 'validating') place.reseat(state, freeSeats(core, state.pooled, state.dial));
  else bucket.noteFreeSeats(place);
  core.loop.touch(bucket);
  core.loop.run();
}

function failed(core: Core, dial: KeyDial, cause: unknown): void {
  const { bucket, state } = dial.place;
  if (state.kind !== 'connecting') return;
  const error = isHTTPClientError(cause) ? cause : new ConnectError(`The dial failed: ${textOf(cause)}`, { cause });
  bucket.lastDialError = error;
  core.count(bucket, 'connectFailures');
  core.tell(bucket, { type: 'connect-failed', error, elapsed: core.deadlines.now() - dial.startedAt });
  failDial(core, dial, error, 'error');
}

/** There is no connection, or none that can be trusted. Only the beginner of the dial fails, if it still waits. */
export function failDial(core: Core, dial: KeyDial, error: HTTPClientError, reason: EvictionReason): void {
  const { beganFor, place } = dial;
  const waits = beganFor.kind === 'get' && !beganFor.waiter.settled;
  // A get whose new connection took nobody may count on another dial by now.
  const other = waits && beganFor.waiter.dial !== dial ? beganFor.waiter.dial : null;
  // First: a consumer that hears of the free place may call the pool.
  if (waits) beganFor.waiter.settle();
  core.leave(place, reason, error);
  if (other !== null) passOn(core, place.bucket, other);
  if (waits) beganFor.waiter.fail(error);
  else if (beganFor.kind === 'retry') guarded(() => beganFor.subscriber.error(error));
  else if (beganFor.kind === 'warm-up') guarded(() => beganFor.failed(error));
  core.loop.run();
}
