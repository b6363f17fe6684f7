import { afterEach, describe, expect, it } from '@jest/globals';
import { config, finalize, Observable, type MonoTypeOperatorFunction } from 'rxjs';
import { unhandledErrors } from '../pool/support/index.js';
import type { ProtocolResponse } from '../../src/protocol/index.js';
import { answer, chunk, chunkedHead, openConnection, record, type Stage } from '../support/index.js';

afterEach(() => {
  config.onUnhandledError = null;
});

function throws<T>(): MonoTypeOperatorFunction<T> {
  return finalize(() => {
    throw new Error('from finalize');
  });
}

describe('a finalizer that throws', () => {
  it.each(['ends', 'fails'])(
    'of a body that %s: the trailers are told, and the connection goes on or is closed',
    async end => {
      const stage = openConnection();
      const { values } = stage.request();
      stage.transport.respond(answer('hello').slice(0, -2));
      values[0].body.pipe(throws()).subscribe({ error: () => undefined });
      const trailers = record(values[0].trailers);
      const errors = await unhandledErrors(() => {
        if (end === 'ends') stage.transport.respond('lo');
        else stage.transport.reset();
      }, 1);
      expect(errors).toHaveLength(1);
      expect(trailers.outcome).toBe(end === 'ends' ? 'value' : 'TruncatedBodyError');
      expect(stage.state).toBe(end === 'ends' ? 'quiescent' : 'closed');
    },
  );

  it.each(['ends', 'fails'])(
    'of the trailers of a body that %s: the body is whole, and its connection as it was',
    async end => {
      const stage = openConnection();
      const { values } = stage.request();
      stage.transport.respond(`${chunkedHead}${chunk('hello')}`);
      values[0].trailers.pipe(throws()).subscribe({ error: () => undefined });
      const text = record(values[0].text());
      const errors = await unhandledErrors(() => {
        if (end === 'ends') stage.transport.respond(chunk(''));
        else stage.transport.reset();
      }, 1);
      expect(errors).toHaveLength(1);
      expect(text.outcome).toBe(end === 'ends' ? 'value' : 'TruncatedBodyError');
      expect(stage.state).toBe(end === 'ends' ? 'quiescent' : 'closed');
    },
  );

  it.each<[string, (stage: Stage) => Observable<unknown>]>([
    ['quiescent', ({ connection }) => connection.quiescent],
    ['disconnected', ({ connection }) => connection.disconnected],
  ])('of who hears of the end of a connection by %s: the request is told why', async (_, told) => {
    const stage = openConnection();
    told(stage).pipe(throws()).subscribe();
    const seen = stage.request();
    const errors = await unhandledErrors(() => stage.transport.reset(), 1);
    expect(errors).toHaveLength(1);
    expect(seen.outcome).toBe('ResponseNeverReceivedError');
    expect(stage.log).toContain('disconnected:complete');
  });

  it('of an upload that is stopped: the request is told why, and the connection closed', async () => {
    const stage = openConnection();
    const body = new Observable<string>(subscriber => {
      subscriber.next('x');
      return () => {
        throw new Error('from the source');
      };
    });
    const seen = stage.request({ method: 'POST', body });
    const errors = await unhandledErrors(() => stage.transport.reset(), 1);
    expect(errors).toHaveLength(1);
    expect(seen.terminals).toBe(1);
    expect(stage.state).toBe('closed');
    expect(stage.log).toContain('disconnected:complete');
  });

  it('of a request: its body, which nobody has read yet, is what the server sent when somebody does', async () => {
    const stage = openConnection();
    let response: ProtocolResponse | undefined;
    const errors = await unhandledErrors(() => {
      stage.connection
        .request({ path: '/' })
        .pipe(throws())
        .subscribe(value => (response = value));
      stage.transport.respond(answer('hello'));
    }, 1);
    expect(errors).toHaveLength(1);
    // The buffer that it was read into has been written over since.
    expect(record(response!.text()).values).toEqual(['hello']);
    expect(stage.state).toBe('quiescent');
  });
});

describe('a transport that throws when it is written to', () => {
  const broken = (): never => {
    throw new TypeError('broken');
  };

  it('fails the request as a loss does, and is closed', () => {
    const stage = openConnection();
    stage.transport.write = broken;
    const seen = stage.request();
    expect(seen.error).toMatchObject({ code: 'ERR_REQUEST_TRANSMISSION_FAILED', cause: { message: 'broken' } });
    expect([stage.state, stage.transport.destroyed]).toEqual(['closed', true]);
    expect(stage.reports).toEqual([]);
  });

  it('and when it is destroyed: whoever waits is told all the same', () => {
    const stage = openConnection();
    stage.transport.write = stage.transport.destroy = broken;
    const seen = stage.request();
    expect(seen.error).toMatchObject({ code: 'ERR_REQUEST_TRANSMISSION_FAILED' });
    expect(stage.state).toBe('closed');
    expect(stage.reports).toMatchObject([{ message: 'broken' }]);
  });

  it('is reported where the response came before it threw', () => {
    const stage = openConnection();
    stage.transport.write = () => {
      stage.transport.respond(answer('hello'));
      return broken();
    };
    const seen = stage.request();
    expect([seen.outcome, seen.terminals]).toEqual(['value', 1]);
    expect(stage.reports).toMatchObject([{ cause: { message: 'broken' } }]);
  });
});
