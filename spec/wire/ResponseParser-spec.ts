import { describe, expect, it } from '@jest/globals';
import { ParseError, TruncatedBodyError } from '../../src/errors/index.js';
import { ResponseParser } from '../../src/wire/index.js';
import { verdict } from './verdict.js';

// What it accepts and what it refuses is told row by row in spec/conformance/tables; here is how it is used.

const ok = (fields: string, body = '') => `HTTP/1.1 200 OK\r\n${fields}\r\n${body}`;

describe('ResponseParser', () => {
  it('gives status, headers in order and case, body, framing and persistence', () => {
    const fields = 'Content-Type: text/plain\r\nX-Empty:\r\ncontent-LENGTH: \t5 \r\nX-High: \x80\xff\r\n';
    const bytes = Buffer.from(ok(fields, 'hello'), 'latin1');
    expect(verdict(bytes, [])).toEqual({
      outcome: 'end',
      informational: [],
      status: 200,
      statusText: 'OK',
      version: '1.1',
      headers: ['Content-Type', 'text/plain', 'X-Empty', '', 'content-LENGTH', '5', 'X-High', '\x80\xff'],
      framing: 'length',
      contentLength: 5,
      persistent: true,
      body: 'hello',
      trailers: [],
      surplus: '',
    });
  });

  it.each([
    ['none', ok('Content-Length: 5\r\n'), 'HEAD'],
    ['none', 'HTTP/1.1 204 No Content\r\n\r\n', 'GET'],
    ['length', ok('Content-Length: 0\r\n'), 'GET'],
    ['chunked', ok('Transfer-Encoding: chunked\r\n', '0\r\n\r\n'), 'GET'],
    ['close', ok('X: y\r\n'), 'GET'],
  ])('says how the end of the body is told: %s', (framing, text, method) => {
    const persistent = framing !== 'close';
    expect(verdict(Buffer.from(text), [], { method })).toMatchObject({ framing, persistent });
  });

  describe('its life', () => {
    const request = { method: 'GET', upgrade: false };
    const read = (parser: ResponseParser, text: string) => {
      parser.feed(Buffer.from(text, 'latin1'));
      const tokens: string[] = [];
      do tokens.push(parser.read());
      while (!['more', 'end', 'upgrade'].includes(tokens[tokens.length - 1]));
      return tokens;
    };

    it('forgets the response before', () => {
      const parser = new ResponseParser();
      parser.start(request);
      read(parser, 'HTTP/1.0 404 No\r\nKeep-Alive: timeout=5\r\nConnection: close\r\nContent-Length: 9\r\n\r\nabc');
      parser.start(request);
      expect(parser).toMatchObject({ contentLength: null, keepAlive: undefined, framing: 'none', position: 0, end: 0 });
      expect(parser.eof()).toBe('none');
      expect(read(parser, ok('Transfer-Encoding: chunked\r\n', '2\r\nok\r\n0\r\nX: y\r\n\r\n'))).toEqual([
        'head',
        'data',
        'end',
      ]);
      expect(parser.trailers.get('x')).toBe('y');
      parser.start(request);
      expect(read(parser, ok('Content-Length: 0\r\n'))).toEqual(['head', 'end']);
      expect([...parser.trailers]).toEqual([]);
      expect(parser).toMatchObject({ persistent: true, contentLength: 0, keepAlive: undefined });
    });

    it('can be used again after an error, and only after start', () => {
      const parser = new ResponseParser();
      parser.start(request);
      expect(() => read(parser, 'HTTP/1.1 2x')).toThrow(ParseError);
      expect(() => parser.read()).toThrow(ParseError);
      expect(() => read(parser, ok('Content-Length: 0\r\n'))).toThrow(ParseError);
      expect(() => parser.eof()).toThrow(TruncatedBodyError);
      parser.start(request);
      expect(read(parser, ok('Content-Length: 0\r\n'))).toEqual(['head', 'end']);
    });

    it('takes nothing before start, nor after the end', () => {
      const parser = new ResponseParser();
      expect(read(parser, 'HTTP/1.1 408 Timeout\r\n\r\n')).toEqual(['end']);
      expect(parser.position).toBe(0);
      parser.start(request);
      read(parser, ok('Content-Length: 0\r\n'));
      expect(read(parser, 'X')).toEqual(['end']);
      expect([parser.position, parser.end]).toEqual([0, 1]);
    });

    it('knows what remains of the body', () => {
      const parser = new ResponseParser();
      parser.start(request);
      expect(parser.remaining).toBe(-1);
      expect(read(parser, ok('Content-Length: 5\r\n'))).toEqual(['head', 'more']);
      expect(parser.remaining).toBe(5);
      expect(read(parser, 'abc')).toEqual(['data', 'more']);
      expect(parser.remaining).toBe(2);
      parser.feed(Buffer.from('deX'));
      expect([parser.read(), parser.remaining, parser.read(), parser.position]).toEqual(['data', 0, 'end', 2]);
      parser.start(request);
      expect(read(parser, ok('Transfer-Encoding: chunked\r\n', '5\r\n'))).toEqual(['head', 'more']);
      expect(parser.remaining).toBe(-1);
    });

    it('says that the head was cut', () => {
      const parser = new ResponseParser();
      parser.start(request);
      read(parser, 'HTTP/1.1 200 O');
      expect(() => parser.eof()).toThrow(/head/);
    });

    it('lets go of the chunk', () => {
      const parser = new ResponseParser();
      parser.start(request);
      for (const part of ['HTTP/1.1 200', ' OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab', 'c\r\n0\r\nX:']) {
        const chunk = Buffer.from(part);
        parser.feed(chunk);
        while (parser.read() !== 'more');
        expect(parser.chunk).toHaveLength(0);
      }
    });
  });
});
