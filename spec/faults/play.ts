import { defer, lastValueFrom, type Observable } from 'rxjs';
import { turns, until } from '../loopback/index.js';
import { className } from '../support/index.js';
import { Caller, type Told } from './Caller.js';
import type { Cell } from './Cell.js';
import { trapOf, type Trap } from './connectFaults.js';
import { FaultyServer } from './FaultyServer.js';
import { isConnectFault } from './faults.js';
import type { Library } from './Library.js';
import { timeoutsOf } from './timeoutsOf.js';
import { UploadSource } from './UploadSource.js';

/** What came of a cell. */
export interface Outcome extends Told {
  /** Requests that went out once more. */
  readonly retries: number;
  /** How often the server read the request's head. */
  readonly seen: number;
  /** Connections that the pool keeps when all is over, and those that are open as the server sees it. */
  readonly idle: number;
  readonly openAtServer: number;
  /** Sources of the request's body that were begun and not stopped. */
  readonly openSources: number;
  /** What the pool told its observers of things that go wrong behind the scenes. */
  readonly reports: readonly string[];
  /** What the next request on the same agent got. */
  readonly next: string;
}

/** Runs one cell: client and server, in this process, on real sockets. */
export async function play(cell: Cell, library: Library, patience: number): Promise<Outcome> {
  const server = await FaultyServer.start(cell);
  const trap = isConnectFault(cell.fault) ? await trapOf(cell.fault, library) : null;
  try {
    return await playWith(cell, library, server, trap, patience);
  } finally {
    server.settled();
    await trap?.close();
    await server.close();
  }
}

async function playWith(
  cell: Cell,
  library: Library,
  server: FaultyServer,
  trap: Trap | null,
  patience: number,
): Promise<Outcome> {
  const good$ = library.tcp({ host: '127.0.0.1', port: server.port });
  const trapped = cell.lease === 'fresh' ? 0 : 1;
  let dials = 0;
  const endpoint$ = defer(() => (trap !== null && dials++ === trapped ? trap.endpoint : good$));
  const agent = new library.Agent({
    baseURL: server.origin,
    // One place: if it is not freed, the next request waits for it in vain.
    pool: { maxConnectionsPerHost: 1, acquireTimeout: patience },
    key: () => 'server',
    endpoint: () => endpoint$,
  });
  const { pool } = agent;
  const reports: string[] = [];
  pool.events.subscribe(event => {
    if (event.type === 'error') reports.push(className(event.error));
  });
  const textOf = (path: string): Promise<string> =>
    outcomeOf(agent.get(path, { timeouts: { headers: patience } }).pipe(library.text()));
  try {
    if (cell.lease === 'reused') await textOf('/warm');

    const source = new UploadSource(cell);
    const { body } = source;
    const caller = new Caller(cell.read, library, () => pool.stats().leased + pool.stats().connecting);
    caller.start(
      agent.request({ method: cell.method, url: '/cell', timeouts: timeoutsOf(cell), ...(body && { body }) }),
    );
    await until(() => caller.isDone && pool.stats().leased === 0, 'the end of the request', patience).catch(
      () => undefined,
    );
    const { retries } = pool.stats();
    server.settled();
    if (cell.read === 'unread') caller.claimLate();

    if (trap === null) await server.struck;
    await turns(10);
    await until(() => pool.stats().idle === server.open, 'both sides to agree', patience).catch(() => undefined);
    const left = { idle: pool.stats().idle, openAtServer: server.open, openSources: source.open, seen: server.seen };
    return { ...caller.told, ...left, retries, reports, next: await textOf('/next') };
  } finally {
    await lastValueFrom(agent.close({ gracePeriod: 0 }));
  }
}

/** The value, or the class of the error. */
function outcomeOf(text$: Observable<string>): Promise<string> {
  return lastValueFrom(text$).catch(className);
}
