import { describe, expect, it } from '@jest/globals';
import { of, Subject, take, type Observable } from 'rxjs';
import { HTTPClientError, ParseError } from '../../src/errors/index.js';
import {
  answer,
  chunk,
  chunkedAnswer,
  chunkedHead,
  microtasks,
  openConnection,
  record,
  ticks,
  type Stage,
} from '../support/index.js';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

describe('A body that nobody has claimed', () => {
  it('is kept whole, whichever reads it came in', () => {
    const { request, transport } = openConnection();
    const { values } = request();
    transport.respondOneByOne(answer('hello'));
    expect(record(values[0].text()).values).toEqual(['hello']);
  });

  it('of exactly maxDrain bytes is read to its end, so that the connection is free', () => {
    for (const response of [answer('hello'), chunkedAnswer('hello')]) {
      const stage = openConnection({ limits: { maxDrain: 5 } });
      stage.request();
      stage.transport.respond(response);
      expect(stage.state).toBe('quiescent');
    }
  });
});

describe('An error of the body', () => {
  it.each(['in the read of the head', 'in a later read'])('carries the response if it came %s', when => {
    const { request, transport } = openConnection();
    const { values } = request();
    if (when === 'in a later read') transport.respond(chunkedHead);
    transport.respond(`${when === 'in a later read' ? '' : chunkedHead}no chunk`);
    const { error } = record(values[0].text());
    expect(error).toBeInstanceOf(ParseError);
    // Not toEqual: it would print every field of both.
    expect((error as ParseError).response === values[0]).toBe(true);
  });
});

describe('The trailers of a body whose consumer has gone', () => {
  it('fail as well, if the rest is not read', () => {
    const { request, transport } = openConnection();
    const { values } = request();
    transport.respond(chunkedHead);
    const trailers = record(values[0].trailers);
    record(values[0].body).subscription.unsubscribe();
    expect(trailers.outcome).toBe('AbortedError');
    expect(record(values[0].trailers).outcome).toBe('AbortedError');
  });

  it('come, if the short rest is drained', () => {
    const { request, transport } = openConnection();
    const { values } = request();
    transport.respond(answer('hello').slice(0, -1));
    const trailers = record(values[0].trailers);
    record(values[0].body).subscription.unsubscribe();
    expect(trailers.outcome).toBe('nothing');
    transport.respond('o');
    expect(trailers.outcome).toBe('value');
  });
});

describe('pull', () => {
  it('starts no work on a chunk that nobody wants any more', () => {
    const { request, transport } = openConnection();
    const { values } = request();
    transport.respond(chunkedHead);
    transport.respond(chunk('a'));
    transport.respond(chunk('b'));
    const worked: string[] = [];
    const work = (bytes: Uint8Array): Observable<string> => {
      worked.push(text(bytes));
      return of('done');
    };
    record(values[0].body.pull(work).pipe(take(1)));
    expect(worked).toEqual(['a']);
  });

  it('copies nothing once it is under way: chunks lie in the one buffer that the connection has', () => {
    const { request, transport } = openConnection();
    const { values } = request();
    transport.respond(chunkedHead);
    const buffers: ArrayBufferLike[] = [];
    record(
      values[0].body.pull(bytes => {
        buffers.push(bytes.buffer);
        return of('done');
      }),
    );
    for (const data of ['a', 'b', 'c', 'd']) transport.respond(chunk(data));
    expect(buffers).toHaveLength(4);
    expect(new Set(buffers.slice(1)).size).toBe(1);
    // And not in the buffer of all connections.
    const other = openConnection();
    const response = other.request();
    other.transport.respond(chunkedHead);
    record(response.values[0].body.pull(bytes => of(buffers.push(bytes.buffer))));
    for (const data of ['a', 'b']) other.transport.respond(chunk(data));
    expect(new Set(buffers.slice(1)).size).toBe(3);
  });

  it.each(['at once', 'later'])(
    'leaves a connection that flows, without a buffer of its own; its work is done %s',
    when => {
      const { request, transport } = openConnection();
      const { values } = request();
      transport.respond(chunkedHead);
      const work = new Subject<never>();
      const body = record(values[0].body.pull(() => (when === 'at once' ? of('done') : work)));
      for (const data of ['a', 'b', '']) transport.respond(chunk(data));
      expect(transport.hasOwnBuffer).toBe(when === 'at once' ? false : true);
      work.complete();
      return microtasks().then(() => {
        expect(body.completed).toBe(true);
        expect([transport.hasOwnBuffer, transport.paused]).toEqual([false, false]);
        const next = request({ path: '/next' });
        transport.respond(answer('next'));
        expect(record(next.values[0].text()).values).toEqual(['next']);
      });
    },
  );

  it.each([
    ['is done', 'draining'],
    ['goes on', 'closed'],
  ])('is left when the work on its last chunk %s: the connection is %s', (work, state) => {
    const stage = openConnection();
    const { values } = stage.request();
    stage.transport.respond(answer('hello').slice(0, -4));
    const worked: string[] = [];
    const pulled = record(
      values[0].body.pull(bytes => {
        worked.push(text(bytes));
        return worked.length === 3 && work === 'goes on' ? new Subject<string>() : of('done');
      }),
    );
    stage.transport.respond('e');
    stage.transport.respond('l');
    expect(worked).toEqual(['h', 'e', 'l']);
    pulled.subscription.unsubscribe();
    expect(stage.state).toBe(state);
  });

  it('gives chunks of which slice() is a copy, as of any Uint8Array', () => {
    const { request, transport } = openConnection();
    const { values } = request();
    transport.respond(chunkedHead);
    const kept: Uint8Array[] = [];
    record(
      values[0].body.pull(bytes => {
        kept.push(bytes.slice());
        return of('kept');
      }),
    );
    for (const data of ['a', 'b', 'c']) transport.respond(chunk(data));
    expect(kept.map(text)).toEqual(['a', 'b', 'c']);
  });
});

describe('A stream or an iterator that is given up before its first read', () => {
  it.each(['readable', 'iterator'])('lets the connection go: %s', async kind => {
    const { request, transport } = openConnection();
    const { values } = request();
    transport.respond(chunkedHead);
    if (kind === 'readable') values[0].body.readable().destroy();
    else await values[0].body[Symbol.asyncIterator]().return?.();
    await ticks();
    expect(transport.destroyed).toBe(true);
    expect(record(values[0].text()).outcome).toBe('BodyUsedError');
  });
});

describe('The chunk that pull works on', () => {
  /** A body whose first chunk is done with. */
  async function workOnSecond() {
    const stage = openConnection();
    const { values } = stage.request();
    stage.transport.respond(chunkedHead);
    const work: { bytes: Uint8Array; done: Subject<never> }[] = [];
    const body = record(
      values[0].body.pull(bytes => {
        const done = new Subject<never>();
        work.push({ bytes, done });
        return done;
      }),
    );
    stage.transport.respond(chunk('first'));
    work[0].done.complete();
    await microtasks();
    return { stage, work, body };
  }

  const endings: Record<string, (stage: Stage) => void> = {
    'the connection is reset': ({ transport }) => transport.reset(),
    'the connection is closed': ({ connection }) => connection.close(),
  };
  it.each(Object.entries(endings))('stays as it is until the work is done, also if %s', async (_name, end) => {
    const { stage, work, body } = await workOnSecond();
    stage.transport.respond(chunk('second') + chunk('third'));
    end(stage);
    await microtasks();
    expect(text(work[1].bytes)).toBe('second');
    expect(body.outcome).toBe('nothing');
    work[1].done.complete();
    if (work.length > 2) {
      expect(text(work[2].bytes)).toBe('third');
      work[2].done.complete();
    }
    expect(body.error).toBeInstanceOf(HTTPClientError);
  });

  it('stays as it is also if what follows it in the same read is malformed', async () => {
    const { stage, work, body } = await workOnSecond();
    stage.transport.respond(`${chunk('second')}no size`);
    await microtasks();
    expect(text(work[1].bytes)).toBe('second');
    work[1].done.complete();
    expect(body.error).toBeInstanceOf(ParseError);
  });
});
