import { openSync, readSync } from 'node:fs';
import { connect } from 'node:net';
import { catchError, forkJoin, lastValueFrom, map, mergeMap, of, tap, type Observable } from 'rxjs';
import { HTTPConnectionPool, isHTTPClientError, tcp, text, tls, type Endpoint } from 'rxjs-http-pool';
import { clock, type Asker, type Cell, type Outcome } from '../plan.js';

// client PORT CONTROL MARK CELLS [ca]: tries each cell and prints what became of its requests.

const [portText, controlText, markPath, cellsText, ca] = process.argv.slice(2);
const cells = JSON.parse(cellsText) as Cell[];
const port = Number(portText);
const endpoint$: Endpoint =
  ca === undefined ? tcp({ host: '127.0.0.1', port }) : tls({ host: '127.0.0.1', port, ca, servername: 'localhost' });

/** A second connection to the server: over it the client says what it wants done, also while its own loop stands still. */
class Control {
  readonly #socket = connect({ port: Number(controlText), host: '127.0.0.1', noDelay: true });
  readonly #waiting: ((line: string) => void)[] = [];

  constructor() {
    this.#socket.on('data', data => {
      for (const line of data.toString('latin1').trimEnd().split('\n')) this.#waiting.shift()!(line);
    });
  }

  /** Resolves when the server has done it. */
  ask(command: string): Promise<string> {
    return new Promise(resolve => this.ring(command, resolve));
  }

  /** Calls back from the poll phase of the loop. */
  ring(command: string, callback: (line: string) => void): void {
    this.#waiting.push(callback);
    this.#socket.write(`${command}\n`);
  }

  /** The kernel has it when this returns. */
  say(command: string): void {
    this.#socket.write(`${command}\n`);
  }

  end(): void {
    this.#socket.destroy();
  }
}

const mark = openSync(markPath, 'r');
const bytes = Buffer.alloc(4);

/** The last round in which the server's fault is in the kernel. */
function marked(): number {
  readSync(mark, bytes, 0, 4, 0);
  return bytes.readUInt32LE();
}

const nothing = new Int32Array(new SharedArrayBuffer(4));

/** The loop stands still until the fault has come, or for the time that it should take. */
function standStill(round: number, timing: Cell['timing']): void {
  const began = performance.now();
  const enough = timing === 'mark' ? () => marked() === round : () => performance.now() - began > clock.busy;
  while (!enough()) {
    if (performance.now() - began > 10_000) throw new Error(`The server has not marked round ${round}`);
    // The thread sleeps, and leaves the processor to the server.
    Atomics.wait(nothing, 0, 0, 0.2);
  }
}

type Answer = { readonly text: string } | { readonly error: unknown };

function ask(pool: HTTPConnectionPool, endpoint$: Endpoint, path: string, asker: Asker): Observable<Answer> {
  const request = asker === 'POST' ? { method: 'POST', path, body: 'x' } : { path };
  return pool.get('key', endpoint$).pipe(
    mergeMap(lease => lease.request(request)),
    text(),
    map(text => ({ text })),
    catchError((error: unknown) => of({ error })),
  );
}

const control = new Control();
let round = 0;

/** One round: connections that have answered and lie idle, a fault on each, and as many requests. */
async function play(cell: Cell, outcome: Outcome): Promise<void> {
  const { moment, fault, asker, timing } = cell;
  const now = ++round;
  // Also where several connections have gone stale at once: each request takes the next, and the next.
  const width = moment === 'queue' || moment === 'return' || moment === 'fresh' ? 1 : 1 + (now % 3);
  const pool = new HTTPConnectionPool({
    retryAutomatically: asker !== 'GET without retry',
    maxConnectionsPerHost: moment === 'queue' ? 1 : 64,
  });
  const paths = Array.from({ length: width }, (_, i) => `/ask/${now}/${i}`);
  const strike = (): void => {
    if (timing === 'mark') control.say(`strike ${fault} ${now}`);
    standStill(now, timing);
  };
  let unseen = false;
  const look = (): void => {
    unseen = marked() === now && (moment === 'queue' || pool.stats().idle === width);
  };
  const askAll = (through$ = endpoint$): Promise<Answer[]> =>
    lastValueFrom(forkJoin(paths.map(path => ask(pool, through$, path, asker))));
  const takeAll = (): Promise<Answer[]> => {
    strike();
    look();
    return askAll();
  };
  // By the clock the server strikes all connections of the round when the last is in use.
  const primePath = (i: number): string => `/prime/${now}` + (timing === 'clock' && i === width - 1 ? `/${fault}` : '');
  // All leases first: a connection that is back already would else serve the next as well.
  const prime = (): Observable<string[]> =>
    forkJoin(paths.map(() => pool.get('key', endpoint$))).pipe(
      mergeMap(leases => forkJoin(leases.map((lease, i) => lease.request({ path: primePath(i) }).pipe(text())))),
    );

  let answers: Answer[];
  switch (moment) {
    case 'timers':
      await lastValueFrom(prime());
      answers = await new Promise(resolve => setTimeout(() => resolve(takeAll()), 1));
      break;
    case 'check':
      await lastValueFrom(prime());
      answers = await new Promise(resolve => setImmediate(() => resolve(takeAll())));
      break;
    case 'poll':
      await lastValueFrom(prime());
      answers = await new Promise(resolve => control.ring('ring', () => resolve(takeAll())));
      break;
    case 'own':
      answers = await new Promise((resolve, reject) => {
        prime().subscribe({ next: () => resolve(takeAll()), error: reject });
      });
      break;
    case 'queue': {
      const primed$ = prime().pipe(
        tap(() => {
          strike();
          look();
        }),
      );
      // Subscribed to second: it waits for the one connection that there may be.
      [, answers] = await Promise.all([lastValueFrom(primed$), askAll()]);
      break;
    }
    case 'return':
      answers = await lastValueFrom(
        pool.get('key', endpoint$).pipe(
          mergeMap(lease => lease.request({ path: `/split/${now}` })),
          mergeMap(response => {
            // The head is here; the rest comes with the fault behind it.
            strike();
            unseen = true;
            return response.text();
          }),
          mergeMap(() => askAll()),
        ),
      );
      break;
    case 'fresh': {
      await control.ask(`early ${fault} ${now}`);
      // Seen it can be only by a dial that fails, which is as good.
      unseen = true;
      answers = await askAll(endpoint$.pipe(tap(() => standStill(now, timing))));
      break;
    }
  }
  for (const [i, answer] of answers.entries()) {
    if (!unseen) outcome.void++;
    else judge(answer, paths[i], outcome);
  }
  if (unseen) outcome.retried += pool.stats().retries;
  await lastValueFrom(pool.close({ gracePeriod: 0 }));
  await control.ask('over');
}

function judge(answer: Answer, path: string, outcome: Outcome): void {
  outcome.tries++;
  if ('text' in answer) {
    if (answer.text === path) return;
    outcome.wrong++;
    outcome.example ||= `${path} was answered ${JSON.stringify(answer.text)}`;
  } else if (isHTTPClientError(answer.error) && answer.error.phase === 'connect') outcome.refused++;
  else {
    outcome.lost++;
    outcome.example ||= `${path}: ${String(answer.error)}`;
  }
}

async function main(): Promise<void> {
  const outcomes: Outcome[] = [];
  for (const { rounds, ...cell } of cells) {
    const outcome = { ...cell, tries: 0, wrong: 0, lost: 0, refused: 0, retried: 0, void: 0, twice: 0, example: '' };
    for (let i = 0; i < rounds; i++) await play({ rounds, ...cell }, outcome);
    outcome.twice = Number(await control.ask('twice'));
    outcomes.push(outcome);
  }
  console.log(JSON.stringify(outcomes));
  control.end();
}

void main();
