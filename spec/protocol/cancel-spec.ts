import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { config, Subject, Subscription, take, takeUntil, type Observable } from 'rxjs';
import { AbortedError, HeadersTimeoutError } from '../../src/errors/index.js';
import type { ProtocolResponse, RequestObserver } from '../../src/protocol/index.js';
import { until } from '../loopback/index.js';
import { answer, chunk, chunkedHead, microtasks, openConnection, ticks, type Stage } from '../support/index.js';

/** Where an exchange can be when somebody loses interest; the ids are those of the matrix of states. */
type Point =
  | 'S6 uploading, the source holds'
  | 'S6 uploading, the socket holds'
  | 'S7 waiting for the head'
  | 'S8 within the head'
  | 'S9 in the 1xx callback'
  | 'S9 in the sent callback'
  | 'S10 in the next of the response'
  | 'S11 in the first next of the body'
  | 'S12 between chunks, the rest long'
  | 'S12 between chunks, the rest short'
  | 'S13 in the last next'
  | 'S14 in complete'
  | 'S15 idle';

const points: readonly Point[] = [
  'S6 uploading, the source holds',
  'S6 uploading, the socket holds',
  'S7 waiting for the head',
  'S8 within the head',
  'S9 in the 1xx callback',
  'S9 in the sent callback',
  'S10 in the next of the response',
  'S11 in the first next of the body',
  'S12 between chunks, the rest long',
  'S12 between chunks, the rest short',
  'S13 in the last next',
  'S14 in complete',
  'S15 idle',
];

const inNext: readonly Point[] = [
  'S10 in the next of the response',
  'S11 in the first next of the body',
  'S13 in the last next',
];

/** One request and the whole of its body, told step by step; `act` is called when the point is reached. */
class Play {
  readonly stage: Stage;
  readonly source = new Subject<string>();
  readonly stop = new Subject<void>();
  readonly told: string[] = [];
  error: unknown;
  /** Notifications that came although `unsubscribe` had returned. */
  late = 0;
  acted = false;
  #response = new Subscription();
  #body = new Subscription();
  #gone = false;
  #bytes = 0;

  constructor(
    readonly point: Point,
    private readonly act: (play: Play) => void,
    private readonly shape: <T>(source: Observable<T>, play: Play) => Observable<T> = source => source,
  ) {
    this.stage = openConnection(point === 'S6 uploading, the socket holds' ? { highWaterMark: 10 } : {});
  }

  unsubscribe(): void {
    this.#response.unsubscribe();
    this.#body.unsubscribe();
    this.#gone = true;
  }

  run(): void {
    const { stage, point } = this;
    const { transport } = stage;
    const uploading = point.startsWith('S6');
    const observer: RequestObserver = {
      sent: () => this.#reach('S9 in the sent callback'),
      informational: () => this.#reach('S9 in the 1xx callback'),
    };
    const request$ = stage.connection.request(
      uploading ? { method: 'POST', path: '/', body: this.source, observer } : { path: '/', observer },
    );
    // Teardown of a subscription that is not there yet: `takeUntil` is how one unsubscribes from inside `subscribe`.
    this.#response = this.shape(request$.pipe(takeUntil(this.stop)), this).subscribe({
      next: response => this.#responded(response),
      error: error => this.#tell('response:error', error),
      complete: () => this.#tell('response:complete'),
    });
    if (uploading) this.source.next('x'.repeat(100));
    this.#reach('S6 uploading, the source holds');
    this.#reach('S6 uploading, the socket holds');
    if (uploading) return;
    this.#reach('S7 waiting for the head');
    transport.respond('HTTP/1.1 103 Early Hints\r\n\r\n');
    const long = point === 'S12 between chunks, the rest long';
    const [head, body] = long ? [chunkedHead, chunk('he')] : [answer('hello').slice(0, -5), 'he'];
    transport.respond(head.slice(0, 5));
    this.#reach('S8 within the head');
    transport.respond(head.slice(5));
    transport.respond(body);
    this.#reach('S12 between chunks, the rest long');
    this.#reach('S12 between chunks, the rest short');
    transport.respond(long ? chunk('llo') + chunk('') : 'llo');
    this.#reach('S15 idle');
  }

  #responded(response: ProtocolResponse): void {
    this.#tell('response:next');
    this.#body = this.shape(response.body.pipe(takeUntil(this.stop)), this).subscribe({
      next: bytes => {
        this.#tell('body:next');
        this.#bytes += bytes.length;
        this.#reach('S11 in the first next of the body');
        if (this.#bytes === 5) this.#reach('S13 in the last next');
      },
      error: error => this.#tell('body:error', error),
      complete: () => {
        this.#tell('body:complete');
        this.#reach('S14 in complete');
      },
    });
    this.#reach('S10 in the next of the response');
  }

  #tell(what: string, error?: unknown): void {
    if (this.#gone) this.late++;
    this.told.push(what);
    this.error ??= error;
  }

  #reach(point: Point): void {
    if (this.acted || point !== this.point) return;
    this.acted = true;
    this.act(this);
  }
}

const headTold = (point: Point): boolean => Number(/S(\d+)/.exec(point)![1]) >= 10;
const bodyTold = (point: Point): boolean => /S14|S15/.test(point);
/** Where the response is read to its end, or its rest is short enough to be. */
const reusable = (point: Point): boolean => headTold(point) && !point.includes('long');

describe.each(points)('%s', point => {
  const unsubscribing: Record<string, Play> = {
    'U unsubscribe': new Play(point, play => play.unsubscribe()),
    'X unsubscribe twice': new Play(point, play => {
      play.unsubscribe();
      play.unsubscribe();
    }),
    'Us takeUntil in the same tick': new Play(point, play => play.stop.next()),
  };
  // Unsubscribing an Observable from inside its `subscribe` needs an operator.
  if (point === 'S9 in the sent callback') {
    delete unsubscribing['U unsubscribe'];
    delete unsubscribing['X unsubscribe twice'];
  }

  it.each(Object.entries(unsubscribing))('%s', async (name, play) => {
    const { stage, told } = play;
    const { transport } = stage;
    play.run();
    expect(play.acted).toBe(true);
    // What arrives after that is nobody's.
    if (!bodyTold(point) && transport.destroyed) transport.respond('late');
    await microtasks();
    // (1) nothing after unsubscribe, (2) and no error in any case.
    expect(play.late).toBe(0);
    expect(told.filter(entry => entry.endsWith('error'))).toEqual([]);
    if (name.startsWith('U ') && !bodyTold(point)) expect(told).not.toContain('body:complete');
    // (3) destroyed, unless the response was complete or is read to its short end.
    expect(stage.state).toBe(reusable(point) ? 'quiescent' : 'closed');
    expect(transport.destroyed).toBe(!reusable(point));
    // (5), (7)
    expect(play.source.observed).toBe(false);
    expect(transport.requests.length).toBe(1);
    // (9), and (6): nothing runs.
    expect(stage.reports).toEqual([]);
    stage.clock.advance(1_000_000);
    expect(stage.clock.waiting).toBe(false);
  });

  it.each([
    ['D close()', undefined],
    ['D close(reason)', new HeadersTimeoutError(7)],
    ['D close(a stranger)', new Error('enough')],
  ])('%s', async (_name, reason) => {
    const play = new Play(point, ({ stage }) => stage.connection.close(reason));
    const { stage, told } = play;
    play.run();
    await microtasks();
    // (2) exactly one terminal for the response and, if there was one, for the body; (8) with the cause.
    const terminals = told.filter(entry => !entry.endsWith('next'));
    // The last bytes come after the exchange is over: what happens to the connection then is not the body's concern.
    const ended = bodyTold(point) || point.startsWith('S13');
    if (headTold(point))
      expect(terminals.sort()).toEqual([ended ? 'body:complete' : 'body:error', 'response:complete']);
    else expect(terminals).toEqual(['response:error']);
    if (!ended) {
      if (reason instanceof HeadersTimeoutError) expect(play.error).toBe(reason);
      else expect(play.error).toBeInstanceOf(AbortedError);
      expect((play.error as AbortedError).cause).toBe(reason instanceof HeadersTimeoutError ? undefined : reason);
    }
    expect(stage.state).toBe('closed');
    expect(stage.transport.destroyed).toBe(true);
    expect(play.source.observed).toBe(false);
    expect(stage.log.filter(entry => entry.startsWith('disconnected'))).toHaveLength(2);
    expect(stage.reports).toEqual([]);
    stage.clock.advance(1_000_000);
    expect(stage.clock.waiting).toBe(false);
  });

  it('D+U and U+D in the same tick', async () => {
    for (const order of ['DU', 'UD']) {
      const play = new Play(point, ({ stage, stop }) => {
        if (order === 'UD') stop.next();
        stage.connection.close();
        if (order === 'DU') stop.next();
      });
      play.run();
      await microtasks();
      expect(play.told.filter(entry => entry.startsWith('response:') && entry !== 'response:next').length).toBe(1);
      expect(play.stage.state).toBe('closed');
      expect(play.stage.reports).toEqual([]);
    }
  });

  it('R a request again, where the connection is left', () => {
    const play = new Play(point, ({ stop }) => stop.next());
    play.run();
    const again = play.stage.request({ path: '/again' });
    play.stage.transport.respond(answer('again'));
    expect(again.outcome).toBe(reusable(point) ? 'value' : 'RequestNotSentError');
  });
});

describe('take(1)', () => {
  it('of the response changes nothing: the body owns the exchange', () => {
    const play = new Play(
      'S15 idle',
      () => undefined,
      (source, { told }) => (told.length === 0 ? source.pipe(take(1)) : source),
    );
    play.run();
    expect([...play.told].sort()).toEqual([
      'body:complete',
      'body:next',
      'body:next',
      'response:complete',
      'response:next',
    ]);
    expect(play.stage.state).toBe('quiescent');
  });

  it('of the body drains the short rest', () => {
    const play = new Play(
      'S15 idle',
      () => undefined,
      source => source.pipe(take(1)),
    );
    play.run();
    expect(play.told.filter(entry => entry === 'body:next').length).toBe(1);
    expect(play.stage.state).toBe('quiescent');
  });
});

describe('Ue a consumer that throws', () => {
  const unhandled: unknown[] = [];
  beforeEach(() => {
    unhandled.length = 0;
    config.onUnhandledError = error => unhandled.push(error);
  });
  afterEach(() => {
    config.onUnhandledError = null;
  });

  it.each([...inNext, 'S14 in complete' as const])('%s: RxJS reports it, the connection goes on', async point => {
    const play = new Play(point, () => {
      throw new Error('consumer');
    });
    play.run();
    await until(() => unhandled.length > 0);
    await ticks();
    expect(unhandled).toEqual([new Error('consumer')]);
    expect(play.stage.reports).toEqual([]);
    expect(play.stage.state).toBe('quiescent');
    expect(play.told).toContain('body:complete');
  });

  it.each(['S9 in the 1xx callback', 'S9 in the sent callback'] as const)('%s: it is reported', async point => {
    const play = new Play(point, () => {
      throw new Error('observer');
    });
    play.run();
    await microtasks();
    expect(play.stage.reports).toEqual([new Error('observer')]);
    expect(unhandled).toEqual([]);
    expect(play.stage.state).toBe('quiescent');
    expect(play.told).toContain('body:complete');
  });
});
