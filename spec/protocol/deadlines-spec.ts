import { describe, expect, it } from '@jest/globals';
import { mergeMap, Observable, Subject } from 'rxjs';
import { BodyUnclaimedError } from '../../src/errors/index.js';
import type { ExchangeTimeouts, ProtocolRequest } from '../../src/protocol/index.js';
import { answer, chunk, chunkedHead, microtasks, openConnection, record, type Stage } from '../support/index.js';

/** The defaults, in ms, which every exchange below runs under. */
const headers = 60_000;
const bodyIdle = 60_000;
const bodyUnclaimed = 10_000;
const endless = { headers: Infinity, bodyIdle: Infinity, bodyUnclaimed: Infinity };
const never = (): Observable<string> => new Observable(() => undefined);

interface Wait {
  /** Brings the exchange to where it waits; returns what the consumer has been told. */
  begin(stage: Stage, timeouts?: ExchangeTimeouts): { readonly outcome: string };
  after: number;
  outcome: string;
}

const waits: Record<string, Wait> = {
  'the head of the response': {
    begin: (stage, timeouts) => stage.request({ timeouts }),
    after: headers,
    outcome: 'HeadersTimeoutError',
  },
  'the head, counted from the end of the upload': {
    begin: (stage, timeouts) => {
      const body = new Subject<string>();
      const response = stage.request({ method: 'POST', body, timeouts });
      stage.clock.advance(1_000_000);
      body.complete();
      return response;
    },
    after: headers,
    outcome: 'HeadersTimeoutError',
  },
  'the body, counted from the head': {
    begin: (stage, timeouts) => {
      const text = record(
        stage.connection.request({ path: '/', timeouts }).pipe(mergeMap(response => response.text())),
      );
      stage.clock.advance(1_000);
      stage.transport.respond(answer('hello').slice(0, -5));
      return text;
    },
    after: bodyIdle,
    outcome: 'BodyTimeoutError',
  },
  'the body, counted from its last byte': {
    begin: (stage, timeouts) => {
      const text = record(
        stage.connection.request({ path: '/', timeouts }).pipe(mergeMap(response => response.text())),
      );
      stage.transport.respond(chunkedHead);
      for (let i = 0; i < 5; i++) {
        stage.clock.advance(50_000);
        stage.transport.respond(chunk('x'));
      }
      return text;
    },
    after: bodyIdle,
    outcome: 'BodyTimeoutError',
  },
  'the body, while nobody has claimed it and there is room': {
    begin: (stage, timeouts) => {
      const { values } = stage.request({ timeouts });
      stage.transport.respond(answer('hello').slice(0, -5));
      return record(values[0].trailers);
    },
    after: bodyIdle,
    outcome: 'BodyTimeoutError',
  },
  'a socket that takes no byte of a large body': {
    begin: (stage, timeouts) => stage.request({ method: 'POST', body: new Uint8Array(2 * 1024 * 1024), timeouts }),
    after: bodyIdle,
    outcome: 'UploadTimeoutError',
  },
  'a socket that takes no byte of a small body': {
    begin: (stage, timeouts) => stage.request({ method: 'POST', body: 'x'.repeat(100), timeouts }),
    after: bodyIdle,
    outcome: 'UploadTimeoutError',
  },
  'a socket that takes no byte of a head': {
    begin: (stage, timeouts) => stage.request({ path: `/${'x'.repeat(100)}`, timeouts }),
    after: bodyIdle,
    outcome: 'UploadTimeoutError',
  },
  'a claim': {
    begin: (stage, timeouts) => {
      const { values } = stage.request({ timeouts });
      stage.transport.respond(answer('x'.repeat(200)).slice(0, -50));
      return record(values[0].trailers);
    },
    after: bodyUnclaimed,
    outcome: 'BodyUnclaimedError',
  },
};

const stageFor = (name: string): Stage =>
  openConnection({ limits: { maxDrain: 100 }, highWaterMark: name.startsWith('a socket') ? 90 : Infinity });

describe('The deadline on', () => {
  it.each(Object.entries(waits))('%s is exact', (name, { begin, after, outcome }) => {
    const stage = stageFor(name);
    const seen = begin(stage);
    stage.clock.advance(after - 1);
    expect(seen.outcome).toBe('nothing');
    stage.clock.advance(1);
    expect(seen.outcome).toBe(outcome);
    expect(stage.transport.destroyed).toBe(true);
    stage.clock.advance(1_000_000);
    expect(stage.clock.waiting).toBe(false);
  });

  it.each(Object.entries(waits))('%s is none if that is Infinity', (name, { begin }) => {
    const stage = stageFor(name);
    const seen = begin(stage, endless);
    expect(stage.clock.waiting).toBe(false);
    stage.clock.advance(2 ** 40);
    expect(seen.outcome).toBe('nothing');
    expect(stage.transport.destroyed).toBe(false);
  });
});

describe('No deadline runs', () => {
  it('while the source of an upload holds', async () => {
    const sources: Record<string, Observable<string> | AsyncIterable<string>> = {
      observable: never(),
      iterable: { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }) },
    };
    for (const body of Object.values(sources)) {
      const stage = openConnection();
      const seen = stage.request({ method: 'POST', body });
      await microtasks();
      stage.clock.advance(1_000_000);
      expect(seen.outcome).toBe('nothing');
    }
  });

  it('while the consumer of a body holds, and runs again when it wants more', async () => {
    const stage = openConnection();
    const { values } = stage.request();
    stage.transport.respond(chunkedHead + chunk('a'));
    const work = new Subject<never>();
    const body = record(values[0].body.pull(() => work));
    stage.clock.advance(1_000_000);
    expect(body.outcome).toBe('nothing');
    work.complete();
    await microtasks();
    stage.clock.advance(bodyIdle - 1);
    expect(body.outcome).toBe('nothing');
    stage.clock.advance(1);
    expect(body.outcome).toBe('BodyTimeoutError');
  });

  it('while the consumer of a body holds what was read ahead', () => {
    const stage = openConnection({ limits: { maxDrain: 10 } });
    const { values } = stage.request();
    stage.transport.respond(answer('x'.repeat(100)).slice(0, -50));
    expect(stage.transport.paused).toBe(true);
    const body = record(values[0].body.pull(() => new Subject<never>()));
    stage.clock.advance(1_000_000);
    expect(body.outcome).toBe('nothing');
    expect(stage.reports).toEqual([]);
  });

  it('while the source of an upload holds that had to wait for the socket before', () => {
    const stage = openConnection({ highWaterMark: 90 });
    const body = new Subject<string>();
    const seen = stage.request({ method: 'POST', body });
    stage.transport.drain();
    body.next('x'.repeat(100));
    stage.clock.advance(bodyIdle - 1);
    stage.transport.drain();
    stage.clock.advance(1_000_000);
    expect(seen.outcome).toBe('nothing');
  });

  it('while the consumer of an early body holds, though the upload moves', () => {
    const stage = openConnection();
    const body = new Subject<string>();
    const { values } = stage.request({ method: 'POST', body });
    stage.transport.respond(chunkedHead + chunk('a'));
    const seen = record(values[0].body.pull(() => new Subject<never>()));
    body.next('more');
    stage.clock.advance(1_000_000);
    expect(seen.outcome).toBe('nothing');
    expect(stage.state).toBe('early');
  });

  it('on an idle connection', () => {
    const stage = openConnection();
    stage.request();
    stage.transport.respond(answer('hello'));
    stage.clock.advance(1_000_000);
    expect(stage.clock.waiting).toBe(false);
    expect(stage.state).toBe('quiescent');
  });
});

describe('The deadline on the head', () => {
  it('does not start again with a 1xx: a server that sends 103 for ever gets no more time', () => {
    const stage = openConnection({ limits: { maxInformational: 1_000, maxHeadSize: 1_000_000 } });
    const seen = stage.request();
    for (let at = 0; at < headers; at += 1_000) {
      expect(seen.outcome).toBe('nothing');
      stage.transport.respond('HTTP/1.1 103 Early Hints\r\n\r\n');
      stage.clock.advance(1_000);
    }
    expect(seen.outcome).toBe('HeadersTimeoutError');
  });
});

describe('The deadline on an early body', () => {
  // The server has sent its head and waits for the rest of the upload, which moves: the wire is not silent.
  it('does not run out while the upload moves', () => {
    const stage = openConnection();
    const body = new Subject<string>();
    const text = record(
      stage.connection.request({ method: 'POST', path: '/', body }).pipe(mergeMap(response => response.text())),
    );
    stage.transport.respond(chunkedHead);
    for (let i = 0; i < 10; i++) {
      stage.clock.advance(bodyIdle / 2);
      body.next('more');
    }
    expect(text.outcome).toBe('nothing');
  });
});

describe('The deadline on the claim of an early body', () => {
  it('is not prolonged by an upload that moves', () => {
    const stage = openConnection({ limits: { maxDrain: 10 } });
    const body = new Subject<string>();
    const { values } = stage.request({ method: 'POST', body });
    stage.transport.respond(answer('x'.repeat(100)).slice(0, -50));
    const trailers = record(values[0].trailers);
    for (let i = 0; i < 10; i++) {
      expect(trailers.outcome).toBe('nothing');
      body.next('more');
      stage.clock.advance(bodyUnclaimed / 10);
    }
    expect(trailers.outcome).toBe('BodyUnclaimedError');
  });
});

describe('A drain', () => {
  it('has 1 s also where the consumer had held the server back', async () => {
    const stage = openConnection();
    const { values } = stage.request();
    stage.transport.respond(answer('hello').slice(0, -2));
    const iterator = values[0].body[Symbol.asyncIterator]();
    await iterator.next();
    expect(stage.transport.paused).toBe(true);
    await iterator.return!();
    expect(stage.state).toBe('draining');
    stage.clock.advance(999);
    expect(stage.state).toBe('draining');
    stage.clock.advance(1);
    expect(stage.state).toBe('closed');
  });

  it('has 1 s, whatever comes meanwhile', () => {
    const stage = openConnection();
    const { values } = stage.request();
    stage.transport.respond(answer('x'.repeat(100)).slice(0, -100));
    record(values[0].body).subscription.unsubscribe();
    for (let i = 0; i < 10; i++) {
      expect(stage.state).toBe('draining');
      stage.transport.respond('x');
      stage.clock.advance(100);
    }
    expect(stage.state).toBe('closed');
  });
});

describe('A body that is not claimed in time', () => {
  it('is discarded, reported, and its connection closed; what was read ahead can still be read', () => {
    const stage = openConnection({ limits: { maxDrain: 10 } });
    const { values } = stage.request();
    stage.transport.respond(answer('x'.repeat(100)).slice(0, -50));
    stage.clock.advance(bodyUnclaimed);
    expect(stage.reports).toEqual([expect.any(BodyUnclaimedError)]);
    expect(stage.log.at(-1)).toBe('disconnected:BodyUnclaimedError');
    const body = record(values[0].body);
    expect(Buffer.concat(body.values).length).toBe(50);
    expect(body.outcome).toBe('BodyUnclaimedError');
  });

  it('has all the time its consumer wants once it is claimed', async () => {
    const stage = openConnection({ limits: { maxDrain: 10 } });
    const { values } = stage.request();
    stage.transport.respond(answer('x'.repeat(100)).slice(0, -50));
    stage.clock.advance(bodyUnclaimed - 1);
    const text = record(values[0].text());
    await microtasks();
    stage.clock.advance(bodyIdle - 1);
    stage.transport.respond('x'.repeat(50));
    expect(text.values).toEqual(['x'.repeat(100)]);
    expect(stage.reports).toEqual([]);
    expect(stage.state).toBe('quiescent');
  });
});

describe('Timeouts that change from request to request', () => {
  it('hold as they are when a request is made', () => {
    const timeouts = { headers: 1_000 };
    for (const after of [1_000, 500, 2_000]) {
      timeouts.headers = after;
      const stage = openConnection();
      const seen = stage.request({ timeouts });
      stage.clock.advance(after - 1);
      expect(seen.outcome).toBe('nothing');
      stage.clock.advance(1);
      expect(seen.outcome).toBe('HeadersTimeoutError');
    }
  });
});

describe('A timeout that makes no sense', () => {
  const bad: unknown[] = [-1, NaN, 2 ** 31, '5', {}];
  it.each(['headers', 'bodyIdle', 'bodyUnclaimed'])(
    'is an error of the request, and the connection is unharmed: %s',
    name => {
      for (const value of bad) {
        const stage = openConnection();
        const timeouts = { [name]: value } as ProtocolRequest['timeouts'];
        const seen = stage.request({ timeouts });
        expect(seen.error).toMatchObject({ code: 'ERR_INVALID_OPTION', option: name, value });
        expect(stage.state).toBe('quiescent');
        expect(stage.transport.written).toBe('');
        const next = stage.request();
        stage.transport.respond(answer());
        expect(next.outcome).toBe('value');
      }
    },
  );
});
