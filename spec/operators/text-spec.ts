import { describe, expect, it } from '@jest/globals';
import { EMPTY, of, type Observable } from 'rxjs';
import {
  BodyTooLargeError,
  bytes,
  HTTPHeaders,
  InvalidOptionError,
  json,
  ResponseFailedError,
  text,
  type ProtocolResponse,
  type TextOptions,
} from '../../src/index.js';
import { answer, openAgent, openConnection, record, type Recorded } from '../support/index.js';
import { readWith } from './support.js';

/** All the ways in which a body comes and is read. */
function eachWay<T>(
  body: Uint8Array | string,
  type: string | null,
  read: (response: ProtocolResponse) => Observable<T>,
): Recorded<T>[] {
  const bytes = Buffer.from(body as string).toString('latin1');
  const response = answer(bytes, { headers: type === null ? [] : [`content-TYPE: ${type}`] });
  const seen: Recorded<T>[] = [];
  const head = response.length - bytes.length;
  // Before it is read, with its head; while it is read, in one piece, cut, and byte by byte.
  for (const cut of [response.length, head, head + 1, head + 3, -1]) {
    const { request, transport } = openConnection();
    const { values } = request();
    const early = cut < 0 ? head : cut;
    transport.respond(response.slice(0, early));
    seen.push(record(read(values[0])));
    if (cut < 0) transport.respondOneByOne(response.slice(early));
    else if (cut < response.length) transport.respond(response.slice(early));
  }
  return seen;
}

const ways: Record<string, (options?: TextOptions) => (response: ProtocolResponse) => Observable<string>> = {
  'the operator': options => response => of(response).pipe(text(options)),
  'the method': options => response => response.text(options),
};

describe.each(Object.entries(ways))('text, as %s', (_way, readText) => {
  const latin1 = (value: string): Buffer => Buffer.from(value, 'latin1');
  const bigEndian = (value: string): Buffer => Buffer.from(value, 'utf16le').swap16();
  const japanese = Buffer.from([0x1b, 0x24, 0x42, 0x46, 0x7c, 0x1b, 0x28, 0x42]); // 日, in ISO-2022-JP

  const cases: [name: string, body: Buffer | string, type: string | null, expected: string, options?: TextOptions][] = [
    ['UTF-8 without a type', 'grüße 😀', null, 'grüße 😀'],
    ['UTF-8 with a type that says nothing', 'ü', 'text/html', 'ü'],
    ['what the type says', latin1('é'), 'text/html; charset=iso-8859-1', 'é'],
    ['what it says in capitals', latin1('é'), 'TEXT/HTML;CHARSET=ISO-8859-1', 'é'],
    ['what it says in quotes', latin1('é'), 'text/html; a="charset=utf-8; \\"" ; charset="latin\\1"', 'é'],
    ['what it says after others', latin1('é'), 'text/html;a=b;;  charset=latin1;c=d', 'é'],
    ['the first that it says', latin1('é'), 'text/html;charset=latin1;charset=utf-8', 'é'],
    ['UTF-8, if nobody knows what it says', 'ü', 'text/html;charset=klingon', 'ü'],
    ['UTF-8, if it says nothing', 'ü', 'text/html;charset=', 'ü'],
    ['no charset of a longer name', 'ü', 'text/html;xcharset=latin1', 'ü'],
    ['Cyrillic', Buffer.from([0xcf, 0xf0]), 'text/plain; charset=windows-1251', 'Пр'],
    ['Japanese', Buffer.from([0x93, 0xfa]), 'text/plain; charset=Shift_JIS', '日'],
    ['Japanese in seven bits', japanese, 'text/plain; charset=iso-2022-jp', '日'],
    [
      'Japanese in seven bits, far behind',
      Buffer.concat([Buffer.alloc(5_000, 'a'), japanese]),
      'a/b;charset=iso-2022-jp',
      `${'a'.repeat(5_000)}日`,
    ],
    ['UTF-16 by its type', bigEndian('ab'), 'text/plain; charset=utf-16be', 'ab'],
    ['UTF-16 by its mark', Buffer.from('\ufeffab', 'utf16le'), 'text/plain; charset=utf-8', 'ab'],
    ['big-endian UTF-16 by its mark', bigEndian('\ufeffä'), null, 'ä'],
    ['UTF-8 by its mark', '\ufeffü', 'text/plain; charset=latin1', 'ü'],
    ['only the first mark as one', '\ufeff\ufeffü', null, '\ufeffü'],
    ['the option before the type', latin1('é'), 'text/plain; charset=utf-8', 'é', { encoding: 'Latin1' }],
    ['the mark before the option', '\ufeffü', null, 'ü', { encoding: 'latin1' }],
    ['ASCII by the option', bigEndian('ab'), null, 'ab', { encoding: 'utf-16be' }],
    ['what is malformed as U+FFFD', latin1('aéb'), null, 'a\ufffdb'],
    ['U+FFFD as it is', 'a\ufffdb', null, 'a\ufffdb'],
    ['nothing of nothing', '', 'text/plain; charset=latin1', ''],
  ];

  it.each(cases.map(each => [each[0], each] as const))('decodes %s', (_name, [, body, type, expected, options]) => {
    for (const seen of eachWay(body, type, readText(options))) expect(seen).toMatchObject({ values: [expected] });
  });

  it.each([4, 5])('takes a body of as many bytes as maxBytes says, as 4 for maxBytes %d', maxBytes => {
    for (const seen of eachWay('äö', null, readText({ maxBytes }))) expect(seen.values).toEqual(['äö']);
  });

  it('refuses one of more, as BodyTooLargeError', () => {
    for (const seen of eachWay('äö', null, readText({ maxBytes: 3 }))) {
      expect(seen.error).toBeInstanceOf(BodyTooLargeError);
      expect(seen.error).toMatchObject({ limit: 3 });
      expect([seen.values, seen.terminals]).toEqual([[], 1]);
    }
  });

  it.each<[string, object]>([
    ['maxBytes', { maxBytes: -1 }],
    ['maxBytes', { maxBytes: '5' }],
    ['encoding', { encoding: 'klingon' }],
    ['encoding', { encoding: {} }],
  ])('refuses %s of %j', (option, options) => {
    const { request, transport } = openConnection();
    const { values } = request();
    transport.respond(answer('x'));
    const read = (): unknown => readText(options)(values[0]);
    expect(read).toThrow(InvalidOptionError);
    expect(read).toThrow(new RegExp(`^${option} must be`));
  });

  it('takes null for no option, and none from a polluted prototype', () => {
    const options = Object.create({ maxBytes: 0, encoding: 'utf-16le' }) as TextOptions;
    const nulls = { maxBytes: null, encoding: null } as unknown as TextOptions;
    for (const given of [options, nulls]) {
      for (const seen of eachWay('ab', null, readText(given))) expect(seen.values).toEqual(['ab']);
    }
  });
});

describe('a limit', () => {
  it.each<[string, Parameters<typeof readWith>[0]]>([
    ['text', text({ maxBytes: 4 })],
    ['json', json({ maxBytes: 4 })],
    ['bytes', bytes({ maxBytes: 4 })],
  ])('of %s lets the connection go before the error is told', (_name, operator) => {
    const { seen, body, log, transport } = readWith(operator);
    body('123');
    expect(seen.outcome).toBe('nothing');
    body('45');
    expect(seen.error).toBeInstanceOf(BodyTooLargeError);
    expect(transport.destroyed).toBe(true);
    expect(log.indexOf('disconnected:AbortedError')).toBeLessThan(log.indexOf('seen:error'));
  });

  it('that the announced length passes is told with the first byte', () => {
    const { request, transport } = openConnection();
    const { values } = request();
    transport.respond('HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n');
    const seen = record(of(values[0]).pipe(text({ maxBytes: 1_000 })));
    transport.respond('x');
    expect(seen.outcome).toBe('BodyTooLargeError');
    expect(transport.destroyed).toBe(true);
  });

  it('leaves a body that has come to its end what it was: its connection is used again', () => {
    const { agent, transports } = openAgent();
    const tooLong = record(agent.get('http://example.test/').pipe(text({ maxBytes: 1 })));
    transports[0].respond(answer('long'));
    expect(tooLong.error).toMatchObject({
      code: 'ERR_BODY_TOO_LARGE',
      request: { method: 'GET' },
      response: { status: 200 },
    });
    const next = record(agent.get('http://example.test/').pipe(text()));
    transports[0].respond(answer('next'));
    expect([next.values, transports.length]).toEqual([['next'], 1]);
  });

  it('is given to responses that an interceptor made up', () => {
    const asked: unknown[] = [];
    const answered = (options: unknown): Observable<never> => {
      asked.push(options);
      return EMPTY;
    };
    const made = { headers: HTTPHeaders.empty, text: answered, json: answered, bytes: answered };
    const response$ = of(made as unknown as ProtocolResponse);
    record(response$.pipe(text({ maxBytes: 1 })));
    record(response$.pipe(json({ maxBytes: 2 })));
    record(response$.pipe(bytes({ maxBytes: 3 })));
    expect(asked).toEqual([{ maxBytes: 1 }, { maxBytes: 2 }, { maxBytes: 3 }]);
  });
});

describe('json', () => {
  const read = (options?: Parameters<typeof json>[0]) => (response: ProtocolResponse) =>
    of(response).pipe(json(options));

  it.each<[string, Buffer | string, string | null]>([
    ['UTF-8', '{"a":"é"}', 'application/json'],
    ['UTF-8 with a mark', '\ufeff{"a":"é"}', 'application/json; charset=latin1'],
    ['latin1', Buffer.from('{"a":"é"}', 'latin1'), 'application/json; charset=latin1'],
    ['UTF-16 by its type', Buffer.from('{"a":"é"}', 'utf16le'), 'application/json; charset=utf-16le'],
    ['UTF-16 by its mark', Buffer.from('\ufeff{"a":"é"}', 'utf16le'), null],
  ])('decodes %s', (_name, body, type) => {
    for (const seen of eachWay(body, type, read())) expect(seen.values).toEqual([{ a: 'é' }]);
  });

  it('decodes bytes that are ASCII and no JSON before their type is looked at', () => {
    const ascii = Buffer.from('{"a":1}', 'utf16le');
    for (const seen of eachWay(ascii, 'application/json; charset=utf-16le', read())) {
      expect(seen.values).toEqual([{ a: 1 }]);
    }
    for (const seen of eachWay(ascii, 'application/json', read())) expect(seen.outcome).toBe('ResponseFailedError');
  });

  it('gives values to the reviver', () => {
    const reviver = (key: string, value: unknown): unknown => (key === 'at' ? new Date(value as string) : value);
    for (const seen of eachWay('{"at":"2020-01-01T00:00:00.000Z"}', null, read({ reviver }))) {
      expect(seen.values).toEqual([{ at: new Date('2020-01-01') }]);
    }
  });

  it('tells what a reviver throws, once, as the cause', () => {
    const thrown = new Error('of the user');
    const reviver = (): never => {
      throw thrown;
    };
    for (const seen of eachWay('{"a":1}', 'a/b; charset=latin1', read({ reviver }))) {
      expect(seen.error).toBeInstanceOf(ResponseFailedError);
      expect(seen.error).toMatchObject({ cause: thrown });
      expect(seen.terminals).toBe(1);
    }
  });

  it('quotes nothing of what is no JSON', () => {
    for (const seen of eachWay('secret', 'a/b; charset=latin1', read())) {
      const { stack, cause } = seen.error as Error;
      expect(`${stack} ${(cause as Error).stack}`).not.toContain('secret');
    }
  });

  it('refuses a reviver that is no function', () => {
    expect(() => json({ reviver: 'x' } as object)).toThrow(InvalidOptionError);
  });
});
