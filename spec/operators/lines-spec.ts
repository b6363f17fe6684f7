import { describe, expect, it } from '@jest/globals';
import { of, Subject, take, tap } from 'rxjs';
import {
  HTTPHeaders,
  InvalidOptionError,
  lines,
  ndjson,
  RecordTooLargeError,
  ResponseFailedError,
  type LinesOptions,
  type ProtocolResponse,
} from '../../src/index.js';
import { answer, openAgent, openConnection, record } from '../support/index.js';
import { cuts, readWith } from './support.js';

const utf16 = (text: string, bigEndian = false): Buffer => {
  const bytes = Buffer.from(text, 'utf16le');
  return bigEndian ? bytes.swap16() : bytes;
};

describe('lines', () => {
  const cases: Record<string, readonly [body: string | Buffer, expected: readonly string[], options?: LinesOptions]> = {
    LF: ['a\nb\n', ['a', 'b']],
    CRLF: ['a\r\nb\r\n', ['a', 'b']],
    'both, and empty lines': ['a\n\r\n\nb\r\n', ['a', '', '', 'b']],
    'a last line without a terminator': ['a\nb', ['a', 'b']],
    'no lines': ['', []],
    'one empty line': ['\n', ['']],
    'a CR that is not before an LF': ['a\rb\r\r\nc\r\n', ['a\rb\r', 'c']],
    'a CR at the very end': ['a\nb\r', ['a', 'b\r']],
    'other separators, which are none': ['a\u2028b\u0085c\fd\ve', ['a\u2028b\u0085c\fd\ve']],
    'UTF-8 of all lengths': ['ä€😀\n😀', ['ä€😀', '😀']],
    'a byte order mark': ['\ufeffa\n\ufeffb', ['a', '\ufeffb']],
    'only a byte order mark': ['\ufeff', []],
    'two bytes of a byte order mark': [Buffer.from([0xef, 0xbb]), ['\ufffd']],
    'what is no UTF-8': [Buffer.from([0x61, 0xff, 0x0a, 0xc3]), ['a\ufffd', '\ufffd']],
    'UTF-16 by its mark': [utf16('\ufeffä\r\n€'), ['ä', '€']],
    'UTF-16 by its mark, whatever the option': [utf16('\ufeffä\n€', true), ['ä', '€'], { encoding: 'latin1' }],
    'UTF-8 by its mark, whatever the option': ['\ufeffä\n€', ['ä', '€'], { encoding: 'latin1' }],
    'UTF-16 by the option': [utf16('ä\n€', true), ['ä', '€'], { encoding: 'utf-16be' }],
    'another charset by the option': [Buffer.from('ä\né', 'latin1'), ['ä', 'é'], { encoding: 'ISO-8859-1' }],
  };

  it.each(Object.entries(cases))('finds %s, wherever it is cut', (_name, [body, expected, options]) => {
    for (const pieces of cuts(Buffer.from(body as string))) {
      const { seen, body: send, end } = readWith(lines(options));
      pieces.forEach(send);
      end();
      expect(seen).toMatchObject({ values: expected, completed: true });
    }
  });

  it('takes the charset of the Content-Type', () => {
    const { seen, body, end } = readWith(lines(), { headers: ['Content-Type: text/plain; charset="windows-1251"'] });
    body(Buffer.from([0xe0, 0x0a, 0xe1]));
    end();
    expect(seen.values).toEqual(['а', 'б']);
  });

  it('emits a line as soon as its end is there', () => {
    const { seen, body } = readWith(lines());
    body('a\nb');
    expect(seen.values).toEqual(['a']);
    body('b\r');
    expect(seen.values).toEqual(['a']);
    body('\nc');
    expect(seen.values).toEqual(['a', 'bb']);
  });

  it('reads a body that came whole with its head', () => {
    const { request, transport } = openConnection();
    const { values } = request();
    transport.respond(answer('a\nb'));
    expect(record(of(values[0]).pipe(lines())).values).toEqual(['a', 'b']);
  });

  it('reads any number of responses', () => {
    const response$ = new Subject<ProtocolResponse>();
    const seen = record(response$.pipe(lines()));
    for (const body of ['a\nb', 'c\n']) {
      const { request, transport } = openConnection();
      const { values } = request();
      transport.respond(answer(body));
      response$.next(values[0]);
    }
    expect(seen).toMatchObject({ values: ['a', 'b', 'c'], completed: false });
    response$.complete();
    expect(seen.completed).toBe(true);
  });

  it('stops in the middle of a chunk, and lets the connection go, when its subscriber has enough', () => {
    const told: string[] = [];
    const { seen, body, transport } = readWith(source$ =>
      source$.pipe(
        lines(),
        tap(line => told.push(line)),
        take(2),
      ),
    );
    body('a\nb\nc\nd\n');
    expect(seen).toMatchObject({ values: ['a', 'b'], completed: true });
    expect(told).toEqual(['a', 'b']);
    expect(transport.destroyed).toBe(true);
  });

  it('stops in the middle of what was read ahead as well', () => {
    const { request, transport } = openConnection();
    const { values } = request();
    transport.respond(answer('a\nb\nc\nd\n').slice(0, -1));
    const told: string[] = [];
    const lines$ = of(values[0]).pipe(
      lines(),
      tap(line => told.push(line)),
      take(1),
    );
    expect(record(lines$).values).toEqual(['a']);
    expect(told).toEqual(['a']);
  });

  describe('of more than maxLength characters', () => {
    it.each(['12345\n', '12345\r\n', '12345'])('are not %j for five', text => {
      for (const pieces of cuts(Buffer.from(text))) {
        const { seen, body, end } = readWith(lines({ maxLength: 5 }));
        pieces.forEach(body);
        end();
        expect(seen.values).toEqual(['12345']);
      }
    });

    it.each(['a\n123456\n', 'a\n123456\r\n', 'a\n1234567', 'a\n12345\rb', 'a\n😀😀😀\n'])(
      'are in %j, as an error',
      text => {
        for (const pieces of cuts(Buffer.from(text))) {
          const { seen, body, end } = readWith(lines({ maxLength: 5 }));
          pieces.forEach(body);
          end();
          expect(seen.values).toEqual(['a']);
          expect(seen.error).toBeInstanceOf(RecordTooLargeError);
          expect(seen.error).toMatchObject({ limit: 5, record: 2, code: 'ERR_RECORD_TOO_LARGE', phase: 'receive' });
        }
      },
    );

    it('let the connection go before the error is told', () => {
      const { seen, body, log, transport } = readWith(lines({ maxLength: 5 }));
      body('1234567');
      expect(seen.error).toBeInstanceOf(RecordTooLargeError);
      expect(transport.destroyed).toBe(true);
      expect(log.filter(entry => /error|disconnected:[A-Zn]/.test(entry))).toEqual([
        'disconnected:AbortedError',
        'seen:error',
      ]);
    });

    it('are over 1 MiB, if nothing is said', () => {
      const { seen, body } = readWith(lines());
      const piece = 'x'.repeat(2 ** 16);
      for (let i = 0; i < 16; i++) body(piece);
      expect(seen.outcome).toBe('nothing');
      body('xx');
      expect(seen.outcome).toBe('RecordTooLargeError');
    });

    it('may be of any length with Infinity', () => {
      const { seen, body, end } = readWith(lines({ maxLength: Infinity }));
      const piece = 'x'.repeat(2 ** 16);
      for (let i = 0; i < 20; i++) body(piece);
      end();
      expect(seen.values).toEqual(['x'.repeat(20 * 2 ** 16)]);
    });
  });

  it('tells which request an error is about', () => {
    const { agent, transports } = openAgent();
    const seen = record(agent.get('http://example.test/log?token=1').pipe(lines({ maxLength: 1 })));
    transports[0].respond(answer('long', { status: '200 OK' }));
    expect(seen.error).toMatchObject({ request: { method: 'GET' }, response: { status: 200 } });
    expect(String(seen.error)).not.toContain('token');
  });

  it('tells a failure of the body', () => {
    const { seen, body, transport } = readWith(lines());
    body('a\nb');
    transport.reset();
    expect(seen.values).toEqual(['a']);
    expect(seen.error).toBeInstanceOf(ResponseFailedError);
  });

  it.each<[string, object]>([
    ['maxLength', { maxLength: 0 }],
    ['maxLength', { maxLength: '5' }],
    ['encoding', { encoding: 'klingon' }],
    ['encoding', { encoding: 8 }],
  ])('refuses %s of %j', (option, options) => {
    expect(() => lines(options)).toThrow(InvalidOptionError);
    expect(() => ndjson(options)).toThrow(new RegExp(`^${option} must be`));
  });

  it('works on what an interceptor made up', () => {
    const body = of(Buffer.from('a\nb'));
    const made = { status: 200, headers: HTTPHeaders.empty, body } as unknown as ProtocolResponse;
    expect(record(of(made).pipe(lines())).values).toEqual(['a', 'b']);
  });
});

describe('ndjson', () => {
  it('emits the value of each line, wherever it is cut, and skips empty ones', () => {
    for (const pieces of cuts(Buffer.from('{"a":"ä"}\n\n  \r\n[1]\r\nnull\n"x"'))) {
      const { seen, body, end } = readWith(ndjson());
      pieces.forEach(body);
      end();
      expect(seen).toMatchObject({ values: [{ a: 'ä' }, [1], null, 'x'], completed: true });
    }
  });

  it('tells the line that is no JSON, not what is in it, and lets the connection go first', () => {
    const { seen, body, log, transport } = readWith(ndjson());
    body('{"a":1}\n\nsecret\n{"b":1}\n');
    expect(seen.values).toEqual([{ a: 1 }]);
    expect(seen.error).toBeInstanceOf(ResponseFailedError);
    expect(seen.error).toMatchObject({ message: 'Line 3 of the response body is not JSON' });
    expect(String((seen.error as Error).stack) + String((seen.error as Error).cause)).not.toContain('secret');
    expect(transport.destroyed).toBe(true);
    expect(log.indexOf('disconnected:AbortedError')).toBeLessThan(log.indexOf('seen:error'));
  });

  it('takes a line that was cut off for what it is', () => {
    const { seen, body, end } = readWith(ndjson());
    body('1\n{"a":');
    end();
    expect(seen.values).toEqual([1]);
    expect(seen.error).toMatchObject({ message: 'Line 2 of the response body is not JSON' });
  });

  it('limits the length of lines', () => {
    const { seen, body } = readWith(ndjson({ maxLength: 5 }));
    body('"123"\n"1234"\n');
    expect(seen.values).toEqual(['123']);
    expect(seen.error).toBeInstanceOf(RecordTooLargeError);
  });
});
