import type { PayloadKind } from './payload.js';
import { Random } from './Random.js';

// One request of the chaos soak as plain data: what its caller does, and what the server does when it sees it for the
// first and for the second time. A scenario is drawn from (seed, id) alone, can be printed, and run again by itself.

/** How the server fails an exchange, if it does. */
export type Fault =
  /** It stops at some point of the exchange, `part` of the way through what it names, by what `how` says. */
  | {
      readonly kind: 'cut';
      readonly at: 'request' | 'answer' | 'head' | 'body';
      readonly part: number;
      readonly how: 'fin' | 'close' | 'reset' | 'stall';
    }
  /** The head breaks rule number `which`. */
  | { readonly kind: 'malformed'; readonly which: number }
  /** More 1xx responses than anybody takes. */
  | { readonly kind: 'flood' }
  /** It announces more than it sends, and finishes. */
  | { readonly kind: 'short' }
  /** It announces less than it sends: what is over belongs to no request. */
  | { readonly kind: 'surplus' };

/** What the server does to a connection when the exchange is over, and nothing came for `ms` (−1: in the same write). */
export interface Afterwards {
  readonly what: 'fin' | 'close' | 'reset' | 'timeout' | 'answer' | 'garbage';
  readonly ms: number;
}

/** What the server does when it sees a request. */
export interface Answer {
  readonly status: number;
  readonly framing: 'length' | 'chunked' | 'close' | 'http10';
  readonly kind: PayloadKind;
  readonly size: number;
  /** How many writes, and the ms between them. */
  readonly writes: number;
  readonly gap: number;
  /** Before the head, in ms. */
  readonly delay: number;
  readonly informational?: number;
  /** Chunks of odd sizes, with extensions, and trailers. */
  readonly odd?: boolean;
  readonly close?: boolean;
  readonly hint?: { readonly timeout?: number; readonly max?: number };
  /** How the request's body is read. `early`: the answer comes first. */
  readonly reads?: 'slow' | 'early';
  readonly fault?: Fault;
  readonly after?: Afterwards;
}

export type UploadKind =
  'string' | 'bytes' | 'readable' | 'iterable' | 'observable' | 'made bytes' | 'made readable' | 'made iterable';

export interface UploadPlan {
  readonly kind: UploadKind;
  readonly size: number;
  /** The request says how long it is. Else it is chunked, if it is a stream. */
  readonly declared: boolean;
  /** ms between the chunks of a stream. */
  readonly pace: number;
}

export type Reading =
  | 'text'
  | 'json'
  | 'bytes'
  | 'discard'
  | 'text()'
  | 'json()'
  | 'bytes()'
  | 'discard()'
  | 'body'
  | 'pull'
  | 'for await'
  | 'iterator'
  | 'readable'
  | 'unread';

export interface Cancel {
  /** At once, after some ms wherever it is then, when the head comes, or with the first bytes of the body. */
  readonly at: 'once' | 'ms' | 'head' | 'body';
  readonly ms: number;
  readonly how: 'unsubscribe' | 'signal';
}

/** What the caller does. */
export interface Behaviour {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'DELETE' | 'POST';
  readonly key?: boolean;
  readonly upload?: UploadPlan;
  /** Through the agent, its events, `pool.use`; or a lease that is given back, or forgotten. */
  readonly via: 'agent' | 'events' | 'use' | 'released' | 'forgotten';
  readonly reading: Reading;
  /** ms that the consumer takes for each chunk. */
  readonly pace: number;
  readonly cancel?: Cancel;
  readonly timeouts: {
    readonly connect: number;
    readonly headers: number;
    readonly bodyIdle: number;
    readonly bodyUnclaimed: number;
    readonly acquire: number;
    readonly total?: number;
  };
  /** The user's own operators. */
  readonly retry?: boolean;
  readonly timeout?: number;
  /** The next request starts from within this one's end. */
  readonly chained?: boolean;
  /** It has the signal that all share. */
  readonly shared?: boolean;
}

export interface Scenario {
  readonly id: number;
  readonly client: Behaviour;
  /** For the first sight of the request, and for all later ones. */
  readonly server: readonly [Answer, Answer];
  readonly port: number;
}

/** Ports: those that behave between exchanges, then one that is moody when it accepts, then one that nobody listens on. */
export const steadyPorts = 4;
export const moodyPort = steadyPorts;
export const refusedPort = steadyPorts + 1;

/** Attempts that a caller may make: its own, and one by its `retry` operator. */
export const attemptsPerCall = 2;

/** The number of rules that a head can break, `malformed.ts`; those from this one on concern the framing of a body. */
export const brokenRules = 13;
export const brokenFraming = 8;

/** A message of this status, or to this method, has no body whatever its head says. */
export function isBodiless(status: number, method: string): boolean {
  return method === 'HEAD' || status === 204 || status === 304;
}

export function isIdempotent({ method, key }: Behaviour): boolean {
  return method !== 'POST' || key === true;
}

export function isReplayable({ upload }: Behaviour): boolean {
  return upload === undefined || !['readable', 'iterable', 'observable'].includes(upload.kind);
}

/** What must become of an answer that is read to its end by a patient caller. */
export function verdictOf(answer: Answer, { client }: Pick<Scenario, 'client'>): 'answer' | 'error' | 'either' {
  const { fault } = answer;
  if (answer.reads === 'early') return 'either'; // it can be lost when the upload behind it is thrown away
  if (fault === undefined && answer.after?.what === 'reset') return 'either'; // a reset takes along what was not read yet
  if (fault === undefined || fault.kind === 'surplus') return 'answer';
  if (fault.kind === 'short' || (fault.kind === 'cut' && fault.at === 'body')) {
    return client.reading === 'unread' ? 'either' : 'error';
  }
  return 'error';
}

export function drawScenario(seed: number, id: number): Scenario {
  const random = Random.of(seed, id);
  const client = drawBehaviour(random);
  const first = drawAnswer(random, client, 0.07);
  const second = random.chance(0.7)
    ? { ...first, fault: undefined, after: undefined }
    : drawAnswer(random, client, 0.4);
  const stalls = [first, second].some(({ fault }) => fault?.kind === 'cut' && fault.how === 'stall');
  const { timeouts } = client;
  const short = { headers: random.int(40, 150), bodyIdle: random.int(40, 150) };
  return {
    id,
    client: stalls || random.chance(0.01) ? { ...client, timeouts: { ...timeouts, ...short } } : client,
    server: [first, second],
    port: random.weighted([
      [100, random.int(0, steadyPorts - 1)],
      [3, moodyPort],
      [0.2, refusedPort],
    ]),
  };
}

/** A plain request, upon whose connection the server speaks again, or hangs up, when it is idle. */
export function drawBait(seed: number, id: number): Scenario {
  const random = Random.of(~seed, id);
  const what = random.weighted<Afterwards['what']>([
    [3, 'answer'],
    [1, 'timeout'],
    [1, 'fin'],
  ]);
  const answer: Answer = {
    status: 200,
    framing: 'length',
    kind: 'bytes',
    size: random.int(0, 100),
    writes: 1,
    gap: 0,
    delay: 0,
    after: { what, ms: random.int(2, 10) },
  };
  const timeouts = { connect: 60_000, headers: 60_000, bodyIdle: 60_000, bodyUnclaimed: 1_000, acquire: 60_000 };
  return {
    id,
    client: { method: 'GET', via: 'agent', reading: 'bytes', pace: 0, timeouts },
    server: [answer, { ...answer, after: undefined }],
    port: random.int(0, steadyPorts - 1),
  };
}

function drawBehaviour(random: Random): Behaviour {
  const [method, key, upload] = random.weighted<[Behaviour['method'], boolean?, UploadPlan?]>([
    [55, ['GET']],
    [6, ['HEAD']],
    [6, ['DELETE']],
    [12, ['PUT', false, drawUpload(random, true)]],
    [3, ['PUT', false, drawUpload(random, false)]],
    [9, ['POST', false, drawUpload(random, true)]],
    [5, ['POST', false, drawUpload(random, false)]],
    [4, ['POST', true, drawUpload(random, random.chance(0.7))]],
    [2, ['POST']],
  ]);
  const cancel = random.chance(0.1) ? drawCancel(random) : undefined;
  const via = random.weighted<Behaviour['via']>([
    [76, 'agent'],
    [10, 'events'],
    [13, 'use'],
    [0.5, 'released'],
    [0.2, 'forgotten'],
  ]);
  const reading = random.weighted<Reading>([
    [12, 'text'],
    [8, 'json'],
    [12, 'bytes'],
    [4, 'discard'],
    [6, 'text()'],
    [4, 'json()'],
    [10, 'bytes()'],
    [2, 'discard()'],
    [10, 'body'],
    [8, 'pull'],
    [6, 'for await'],
    [5, 'iterator'],
    [6, 'readable'],
    [6, 'unread'],
  ]);
  // There is nothing to parse in what has no body.
  return {
    method,
    ...(key && { key }),
    ...(upload && { upload }),
    via,
    reading: method === 'HEAD' && reading.startsWith('json') ? 'bytes' : reading,
    pace: random.chance(0.15) ? random.int(1, 5) : 0,
    ...(cancel && { cancel }),
    timeouts: {
      connect: 60_000,
      headers: 60_000,
      bodyIdle: 60_000,
      bodyUnclaimed: random.int(50, 400),
      acquire: random.chance(0.02) ? random.int(0, 50) : 60_000,
      ...(random.chance(0.05) && { total: random.spread(5, 10_000) }),
    },
    ...(random.chance(0.04) && { retry: true }),
    ...(random.chance(0.04) && { timeout: random.spread(2, 400) }),
    ...(random.chance(0.3) && { chained: true }),
    ...(random.chance(0.1) && { shared: true }),
  };
}

function drawUpload(random: Random, replayable: boolean): UploadPlan {
  const kind = random.pick<UploadKind>(
    replayable
      ? ['string', 'bytes', 'bytes', 'made bytes', 'made readable', 'made iterable']
      : ['readable', 'iterable', 'observable'],
  );
  const size = random.weighted([
    [10, 0],
    [80, random.spread(0, 20_000)],
    [9, random.spread(20_000, 300_000)],
    [1, random.spread(300_000, 2_000_000)],
  ]);
  return { kind, size, declared: random.chance(0.5), pace: random.chance(0.1) ? 1 : 0 };
}

function drawCancel(random: Random): Cancel {
  return {
    at: random.weighted<Cancel['at']>([
      [1, 'once'],
      [6, 'ms'],
      [2, 'head'],
      [2, 'body'],
    ]),
    ms: random.spread(0, 60),
    how: random.chance(0.35) ? 'signal' : 'unsubscribe',
  };
}

function drawAnswer(random: Random, client: Behaviour, faulty: number): Answer {
  const json = client.reading.startsWith('json');
  const status = random.weighted([
    [88, 200],
    [3, 201],
    [json ? 0 : 3, 204],
    [json ? 0 : 2, 304],
    [2, 404],
    [2, 503],
  ]);
  const bodiless = isBodiless(status, client.method);
  const framing = random.weighted<Answer['framing']>([
    [50, 'length'],
    [35, 'chunked'],
    [3, 'close'],
    [9, 'http10'],
  ]);
  const size = random.weighted([
    [5, 0],
    [80, random.spread(0, 4_000)],
    [12, random.spread(4_000, 60_000)],
    [2.5, random.spread(60_000, 256_000)],
    [0.5, random.spread(256_000, 1_000_000)],
  ]);
  const uploads = client.upload !== undefined && client.upload.size > 0;
  const early = uploads && random.chance(0.1);
  // Behind a body that only the end of the connection ends, everything would be a part of it.
  const after = random.chance(0.08) && framing !== 'close' ? drawAfterwards(random) : undefined;
  const fault = random.chance(faulty) ? drawFault(random, framing, bodiless, size, uploads) : undefined;
  return {
    status: early && random.chance(0.5) ? 413 : status,
    framing,
    kind: json ? 'json' : random.chance(0.3) ? 'text' : 'bytes',
    size,
    writes: random.weighted([
      [65, 1],
      [25, random.int(2, 5)],
      [10, random.int(5, 30)],
    ]),
    gap: random.weighted([
      [85, 0],
      [15, random.int(1, 3)],
    ]),
    delay: random.weighted([
      [82, 0],
      [14, random.int(1, 8)],
      [4, random.int(8, 60)],
    ]),
    ...(random.chance(0.06) && {
      informational: random.weighted([
        [9, random.int(1, 3)],
        [1, 16],
      ]),
    }),
    ...(framing === 'chunked' && random.chance(0.5) && { odd: true }),
    ...(random.chance(0.02) && { close: true }),
    ...(random.chance(0.08) && { hint: drawHint(random) }),
    ...(early ? { reads: 'early' as const } : uploads && random.chance(0.1) && { reads: 'slow' as const }),
    ...(fault && { fault }),
    ...(after && { after }),
  };
}

function drawHint(random: Random): Answer['hint'] {
  return {
    ...(random.chance(0.8) && { timeout: random.int(1, 3) }),
    ...(random.chance(0.4) && { max: random.int(0, 3) }),
  };
}

function drawAfterwards(random: Random): Afterwards {
  const what = random.weighted<Afterwards['what']>([
    [30, 'fin'],
    [15, 'close'],
    [15, 'reset'],
    [12, 'timeout'],
    [20, 'answer'],
    [8, 'garbage'],
  ]);
  // Garbage only where it cannot be on its way while the next request is written: nobody could tell whose it is.
  return { what, ms: what === 'garbage' || random.chance(0.25) ? -1 : random.spread(0, 40) };
}

function drawFault(
  random: Random,
  framing: Answer['framing'],
  bodiless: boolean,
  size: number,
  uploads: boolean,
): Fault {
  const empty = bodiless || size === 0;
  const kind = random.weighted<Fault['kind']>([
    [60, 'cut'],
    [20, 'malformed'],
    [5, 'flood'],
    [empty || framing === 'close' ? 0 : 8, 'short'],
    [empty || framing === 'close' || framing === 'chunked' ? 0 : 8, 'surplus'],
  ]);
  if (kind === 'malformed') return { kind, which: random.int(0, (bodiless ? brokenFraming : brokenRules) - 1) };
  if (kind !== 'cut') return { kind };
  const at = random.weighted<'request' | 'answer' | 'head' | 'body'>([
    [uploads ? 3 : 1, 'request'],
    [3, 'answer'],
    [3, 'head'],
    [empty ? 0 : 4, 'body'],
  ]);
  // A body that only the end of the connection ends is complete with that.
  const ends = at === 'body' && framing === 'close' ? 0 : 5;
  const how = random.weighted<'fin' | 'close' | 'reset' | 'stall'>([
    [ends, 'fin'],
    [ends, 'close'],
    [5, 'reset'],
    [0.7, 'stall'],
  ]);
  return { kind, at, part: Math.round(random.next() * 1_000) / 1_000, how };
}
