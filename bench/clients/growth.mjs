// What an operation costs as the work grows: each question is one size of one kind, answered by µs of CPU per operation.
// The bare kinds are the floor: the same pattern over RxJS with the fewest objects that there can be, and no pool. What
// they cost more as they grow is the processor's cache and the collector, which every pool pays.
import { Observable } from 'rxjs';
import { library } from '../lib/build.mjs';
import { stillEndpoint } from './still.mjs';

const { HTTPConnectionPool } = library;
const endpoint$ = stillEndpoint(Observable);
const unlimited = {
  validateIdle: false,
  maxConnections: Infinity,
  maxConnectionsPerHost: Infinity,
  maxPersistent: Infinity,
  maxPersistentPerHost: Infinity,
  cachedConnectionTimeout: Infinity,
};

function take(pool, key) {
  let lease;
  pool.get(key, endpoint$).subscribe(value => (lease = value));
  return lease;
}

/** Every kind gives a function that does one operation in a pool that holds `size` of something. */
const kinds = {
  /** A lease of one key after the other. */
  keys(size) {
    const pool = new HTTPConnectionPool(unlimited);
    const keys = Array.from({ length: size }, (_, at) => `http://host${at}.test:80`);
    for (const key of keys) take(pool, key).release();
    let at = 0;
    return () => {
      at = (at + 1) % size;
      take(pool, keys[at]).release();
    };
  },
  /** A connection comes back and goes to the one that has waited the longest, behind which another gets in line. */
  waiters(size) {
    const pool = new HTTPConnectionPool({ ...unlimited, maxConnectionsPerHost: 10 });
    const held = [];
    const wait = () => pool.get('key', endpoint$).subscribe(lease => held.push(lease));
    for (let i = 0; i < 10 + size; i++) wait();
    return () => {
      wait();
      held.shift().release();
    };
  },
  /** A lease of the key that has so many idle connections. */
  connections(size) {
    const pool = new HTTPConnectionPool(unlimited);
    for (const lease of Array.from({ length: size }, () => take(pool, 'key'))) lease.release();
    return () => take(pool, 'key').release();
  },

  /** A map of stacks. */
  'bare keys'(size) {
    const keys = Array.from({ length: size }, (_, at) => `http://host${at}.test:80`);
    const stacks = new Map(keys.map(key => [key, [{ key, uses: 0 }]]));
    let at = 0;
    return () => {
      at = (at + 1) % size;
      let taken;
      new Observable(subscriber => {
        const one = stacks.get(keys[at]).pop();
        one.uses++;
        subscriber.next(one);
        subscriber.complete();
      }).subscribe(value => (taken = value));
      stacks.get(taken.key).push(taken);
    };
  },
  /** A linked list of subscribers: the one that has waited the longest is served, another gets in line. */
  'bare waiters'(size) {
    const one = {};
    const waiting$ = new Observable(subscriber => {
      const waiter = { subscriber, next: null, unsubscribe: () => undefined };
      last = last === null ? (first = waiter) : (last.next = waiter);
      return waiter;
    });
    let first = null;
    let last = null;
    let taken;
    const wait = () => waiting$.subscribe(value => (taken = value));
    for (let i = 0; i < size; i++) wait();
    return () => {
      wait();
      const waiter = first;
      first = waiter.next;
      waiter.next = null; // or the collector would take those that have gone for the ancestors of those that wait
      waiter.subscriber.next(one);
      waiter.subscriber.complete();
      return taken;
    };
  },
};

export function growth() {
  const ready = new Map();
  return {
    ask: ({ kind, size, operations }) => {
      const name = `${kind} ${size}`;
      let operation = ready.get(name);
      if (operation === undefined) {
        ready.set(name, (operation = kinds[kind](size)));
        for (let i = 0; i < operations; i++) operation();
      }
      const cpu = process.cpuUsage();
      const began = performance.now();
      for (let i = 0; i < operations; i++) operation();
      const elapsed = performance.now() - began;
      const { user, system } = process.cpuUsage(cpu);
      return { work: operations, elapsed, cpu: user + system, p50: 0, p99: 0 };
    },
  };
}
