import { isObservable, type Observable, type SchedulerLike } from 'rxjs';
import { callable, count, duration, flag, InvalidOptionError, own, record } from '../errors/index.js';
import {
  HTTP11ClientProtocol,
  protocolLimits,
  type ConnectionFactory,
  type ProtocolFactory,
  type ProtocolLimits,
} from '../protocol/index.js';
import { unrefScheduler } from '../timing/index.js';
import { foreignConnections } from './ForeignConnection.js';

/** How a pool behaves. Times are in ms; `Infinity` means no limit and no timer. */
export interface HTTPConnectionPoolOptions {
  /** False: every request says `Connection: close`, and nothing is cached. Default true. */
  readonly persistent?: boolean;
  /** Idle connections kept per key; over it the oldest is closed and the fresh one stays. 0: none. Default 64. */
  readonly maxPersistentPerHost?: number;
  /**
   * Which idle connection is used next: the newest (`lifo`), so that the surplus ages and times out, or the oldest
   * (`fifo`), so that all are used evenly. Default `lifo`.
   */
  readonly idleOrder?: 'lifo' | 'fifo';
  /** Idle life; shortened to what the server's `Keep-Alive: timeout` says, less 1 s. Default 30 000 ms. */
  readonly cachedConnectionTimeout?: number;
  /** One automatic retry of an idempotent request whose reused connection was dead. See `shouldRetry`. Default true. */
  readonly retryAutomatically?: boolean;
  /** Idle connections kept over all keys, the least recently used closed first. Default 512. */
  readonly maxPersistent?: number;
  /** Open connections (leased, idle, connecting) per key; further gets wait. Default 64. */
  readonly maxConnectionsPerHost?: number;
  /** Open connections over all keys; at the cap the longest-idle of another key is closed to make room. Default 512. */
  readonly maxConnections?: number;
  /** Gets of a key that may wait with no connection on its way to them; further ones are refused. Default ∞. */
  readonly maxPending?: number;
  /** An absolute deadline over queue, validation and dial. Default ∞. */
  readonly acquireTimeout?: number;
  /** A connection older than this is not used again; jittered −10 %, never kills a lease. Default ∞. */
  readonly maxConnectionAge?: number;
  readonly maxRequestsPerConnection?: number;
  /**
   * Hand a connection out only after the event loop has polled for I/O, so that what a server sent or closed meanwhile
   * is seen before a request is written. An Observable stands for "the loop has polled". Default true.
   */
  readonly validateIdle?: boolean | Observable<unknown>;
  /**
   * Captures the stack of each subscribe, for the errors of its request and the report of its leaked lease. It costs
   * some µs per request. Agents do the same on such a pool. Default false.
   */
  readonly captureStacks?: boolean;
  /** A lease neither used nor released for so long is reported and destroyed. Default 30 000 ms. */
  readonly leaseTimeout?: number;
  /** What a response may cost, in bytes and counts. */
  readonly limits?: Partial<ProtocolLimits>;
  /** Makes a connection of a transport. Default HTTP/1.1. */
  readonly protocolFactory?: ProtocolFactory;
  /** The clock of every timer. Default: `asyncScheduler`, with timers that do not keep the process alive. */
  readonly scheduler?: SchedulerLike;
}

export interface PoolSettings extends Readonly<
  Required<Omit<HTTPConnectionPoolOptions, 'protocolFactory' | 'limits'>>
> {
  readonly limits: ProtocolLimits;
  /** Makes a connection of a transport. */
  readonly connect: ConnectionFactory;
}

/** Options with their defaults, read once, own properties only. Throws `InvalidOptionError`. */
export function poolSettings(options: HTTPConnectionPoolOptions = {}): PoolSettings {
  const validateIdle = own(options, 'validateIdle') ?? true;
  if (typeof validateIdle !== 'boolean' && !isObservable(validateIdle)) {
    throw new InvalidOptionError('validateIdle', validateIdle, 'true, false or an Observable');
  }
  return {
    persistent: flag(options, 'persistent', true),
    maxPersistentPerHost: count(options, 'maxPersistentPerHost', 64),
    idleOrder: idleOrderOf(options),
    cachedConnectionTimeout: duration(options, 'cachedConnectionTimeout', 30_000),
    retryAutomatically: flag(options, 'retryAutomatically', true),
    maxPersistent: count(options, 'maxPersistent', 512),
    maxConnectionsPerHost: count(options, 'maxConnectionsPerHost', 64, 1),
    maxConnections: count(options, 'maxConnections', 512, 1),
    maxPending: count(options, 'maxPending', Infinity),
    acquireTimeout: duration(options, 'acquireTimeout', Infinity),
    maxConnectionAge: duration(options, 'maxConnectionAge', Infinity),
    maxRequestsPerConnection: count(options, 'maxRequestsPerConnection', Infinity, 1),
    validateIdle,
    captureStacks: flag(options, 'captureStacks', false),
    leaseTimeout: duration(options, 'leaseTimeout', 30_000),
    limits: protocolLimits(record(options, 'limits')),
    connect: connectionsOf(callable(options, 'protocolFactory')),
    scheduler: schedulerOf(options),
  };
}

/** Behind this point nothing asks whose connections they are. */
function connectionsOf(factory: ProtocolFactory | undefined): ConnectionFactory {
  if (factory !== undefined) return foreignConnections(factory);
  return (transport, context) => new HTTP11ClientProtocol(transport, context);
}

function idleOrderOf(options: HTTPConnectionPoolOptions): 'lifo' | 'fifo' {
  const order: unknown = own(options, 'idleOrder') ?? 'lifo';
  if (order === 'lifo' || order === 'fifo') return order;
  throw new InvalidOptionError('idleOrder', order, "'lifo' or 'fifo'");
}

function schedulerOf(options: HTTPConnectionPoolOptions): SchedulerLike {
  const scheduler = own(options, 'scheduler') ?? unrefScheduler;
  if (typeof scheduler.schedule === 'function' && typeof scheduler.now === 'function') return scheduler;
  throw new InvalidOptionError('scheduler', scheduler, 'a scheduler');
}
