import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { NEVER, of, Subject, throwError } from 'rxjs';
import { Agent, discard, HTTPContext, HTTPContextToken, json, text, type HTTPInterceptor } from 'rxjs-http-pool';
import { HTTPTestingController } from 'rxjs-http-pool/testing';
import { record, VirtualClock } from '../support/index.js';

const messageOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    return (error as Error).message;
  }
  return 'nothing was thrown';
};

describe('HTTPTestingController', () => {
  it('answers what it was asked, with text, bytes, JSON and nothing', () => {
    const controller = new HTTPTestingController();
    const { agent } = controller;
    const seen = [
      record(agent.get('/text').pipe(text())),
      record(agent.get('/bytes').pipe(text())),
      record(agent.get('/json').pipe(json())),
      record(agent.get('/null').pipe(json())),
      record(agent.delete('/none').pipe(discard())),
    ];
    controller.expectOne('/text').flush('grüße');
    controller.expectOne('/bytes').flush(Buffer.from('bytes'));
    controller.expectOne('/json').flush({ a: [1] });
    controller.expectOne('/null').flush('null');
    controller.expectOne({ method: 'DELETE', url: '/none' }).flush(null, { status: 204 });
    expect(seen.map(({ values, completed }) => [values, completed])).toEqual([
      [['grüße'], true],
      [['bytes'], true],
      [[{ a: [1] }], true],
      [[null], true],
      [[undefined], true],
    ]);
    controller.verify();
  });

  it('gives status and headers, and no body where there is none', () => {
    const controller = new HTTPTestingController();
    const { values } = record(controller.agent.head('/x'));
    controller.expectOne('/x').flush('not sent', { status: 404, headers: { 'X-A': 'a' } });
    const [{ status, statusText, headers }] = values;
    expect([status, statusText, headers.get('x-a'), headers.get('content-length')]).toEqual([
      404,
      'Not Found',
      'a',
      '8',
    ]);
    expect(record(values[0].text()).values).toEqual(['']);
  });

  it('answers in pieces, as they come', () => {
    const controller = new HTTPTestingController();
    const pieces = new Subject<string>();
    const { values } = record(controller.agent.get('/x'));
    controller.expectOne('/x').flush(pieces);
    const body = record(values[0].body);
    pieces.next('a');
    pieces.next('');
    pieces.next('bc');
    expect(body.values.map(piece => Buffer.from(piece).toString())).toEqual(['a', 'bc']);
    pieces.complete();
    expect(body.completed).toBe(true);
  });

  it('a body that fails is a response that fails; one that nobody wants is left', () => {
    const controller = new HTTPTestingController();
    const failed = record(controller.agent.get('/failed').pipe(text()));
    controller.expectOne('/failed').flush(throwError(() => new Error('lost')));
    expect(failed.error).toMatchObject({ code: 'ERR_TRUNCATED_BODY' });
    const pieces = new Subject<string>();
    const left = record(controller.agent.get('/left').pipe(text()));
    controller.expectOne('/left').flush(pieces);
    left.subscription.unsubscribe();
    pieces.next('x');
    expect(pieces.observed).toBe(false);
  });

  it('loses the connection', () => {
    const controller = new HTTPTestingController();
    const seen = record(controller.agent.get('/x'));
    const error = new Error('wire cut');
    controller.expectOne('/x').error(error);
    expect(seen.error).toMatchObject({ code: 'ERR_RESPONSE_NEVER_RECEIVED', cause: error });
  });

  it('sends informational responses', () => {
    const controller = new HTTPTestingController();
    const seen = record(controller.agent.requestEvents({ url: '/x' }));
    const request = controller.expectOne('/x');
    request.informational(103, { Link: '</a>; rel=preload' });
    request.flush('');
    const told = seen.values.map(event => (event.type === 'informational' ? event.status : event.type));
    expect(told).toEqual(['sent', 103, 'response', 'done']);
  });

  it('shows what came to it, behind the interceptors, and what was sent', () => {
    const token = new HTTPContextToken(() => 'none');
    const signed: HTTPInterceptor = (request, next) => next(request.with({ headers: { 'X-Signed': 'yes' } }));
    const controller = new HTTPTestingController({ interceptors: [signed], headers: { 'X-Default': 'd' } });
    const context = new HTTPContext().with(token, 'here');
    record(controller.agent.post('/x?y=1', 'grüße', { context }));
    const request = controller.expectOne('/x?y=1');
    expect([request.request.context.get(token), request.body]).toEqual(['here', 'grüße']);
    expect(Object.fromEntries(request.sent.headers)).toMatchObject({ 'x-signed': 'yes', 'x-default': 'd' });
    expect([request.cancelled, request.answered]).toEqual([false, false]);
  });

  it('is below decompression and timeouts, in virtual time', () => {
    const clock = new VirtualClock();
    const controller = new HTTPTestingController({ pool: { scheduler: clock }, timeouts: { headers: 500 } });
    const zipped = record(controller.agent.get('/zipped').pipe(text()));
    controller.expectOne('/zipped').flush(gzipSync('plain'), { headers: { 'Content-Encoding': 'gzip' } });
    expect(zipped.values).toEqual(['plain']);
    const late = record(controller.agent.get('/late'));
    clock.advance(501);
    expect(late.error).toMatchObject({ code: 'ERR_HEADERS_TIMEOUT' });
    expect(controller.expectOne('/late').cancelled).toBe(true);
  });

  it('serves other agents with its options', () => {
    const controller = new HTTPTestingController();
    const agent = new Agent({ ...controller.options, baseURL: 'https://api.test/v1/' });
    const seen = [record(agent.get('a').pipe(text())), record(agent.extend({}).get('b').pipe(text()))];
    controller.expectOne('https://api.test/v1/a').flush('1');
    controller.expectOne(({ path }) => path === '/v1/b').flush('2');
    expect(seen.map(({ values }) => values)).toEqual([['1'], ['2']]);
  });

  it('holds as many requests at a time as there are', () => {
    const controller = new HTTPTestingController();
    for (let i = 0; i < 1_000; i++) record(controller.agent.get('/many'));
    expect(controller.match('/many').length).toBe(1_000);
    controller.verify();
  });

  it('a request that is unsubscribed from is cancelled', () => {
    const controller = new HTTPTestingController();
    record(controller.agent.get('/x')).subscription.unsubscribe();
    expect(messageOf(() => controller.verify())).toContain('GET http://test.invalid/x (cancelled)');
    controller.verify({ ignoreCancelled: true });
    const request = controller.expectOne('/x');
    expect(request.cancelled).toBe(true);
    expect(messageOf(() => request.flush('late'))).toBe('Cannot answer GET http://test.invalid/x: it was cancelled');
  });

  it('says what it expected and what it found', () => {
    const controller = new HTTPTestingController();
    const { agent } = controller;
    expect(messageOf(() => controller.expectOne('/a'))).toBe(
      'Expected one request for "/a", but found none. No request is open.',
    );
    record(agent.get('/a'));
    record(agent.get('/a'));
    record(agent.post('/b', NEVER));
    const isC = ({ path }: { readonly path: string }): boolean => path === '/c';
    expect(messageOf(() => controller.expectOne(isC))).toBe(
      'Expected one request for a function (isC), but found none. Open are:\n' +
        '  GET http://test.invalid/a\n  GET http://test.invalid/a\n  POST http://test.invalid/b',
    );
    expect(messageOf(() => controller.expectOne({ url: '/a' }))).toContain('for any method /a, but found 2:\n  GET');
    expect(messageOf(() => controller.expectNone({ method: 'POST' }, 'the upload'))).toContain(
      'Expected no request for the upload, but found 1:\n  POST http://test.invalid/b',
    );
    controller.expectNone('/c');
    const [one, two] = controller.match('/a');
    one.flush('');
    expect(messageOf(() => one.error())).toBe('Cannot fail GET http://test.invalid/a: it has been answered');
    two.flush(of('x'));
    expect(messageOf(() => controller.verify())).toBe(
      'Expected no open requests, but found 1:\n  POST http://test.invalid/b',
    );
  });
});
