import { describe, expect, it } from '@jest/globals';
import { ParseError, TruncatedBodyError } from '../../src/errors/index.js';
import { ResponseParser } from '../../src/wire/index.js';
import { expectPrefixesToBeCut, judge, table, type Row } from './verdict.js';

const ok = (fields: string, body = '') => `HTTP/1.1 200 OK\r\n${fields}\r\n${body}`;
const chunkedOk = '2\r\nok\r\n0\r\n\r\n';

describe('ResponseParser', () => {
  describe('a plain response', () => {
    const text = ok('Content-Type: text/plain\r\nX-Empty:\r\ncontent-LENGTH: \t5 \r\nX-High: \x80\xff\r\n', 'hello');

    it('gives status, headers in order and case, body and persistence', () => {
      expect(judge(text)).toEqual({
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

    it('is incomplete in every proper prefix', () => {
      expectPrefixesToBeCut(text);
      expectPrefixesToBeCut(ok('Transfer-Encoding: chunked\r\n', '3;a="\\"";b\r\nabc\r\n0\r\nX: y\r\n\r\n'));
      expectPrefixesToBeCut('HTTP/1.1 103 Early\r\nLink: a\r\n\r\nHTTP/1.1 204\r\n\r\n');
      expectPrefixesToBeCut('HTTP/1.1 200 \r\n\r\n', { method: 'HEAD' });
    });
  });

  describe('responses without a body', () => {
    table([
      [
        'F1 HEAD with Content-Length',
        ok('Content-Length: 5\r\n'),
        { outcome: 'end', framing: 'none', contentLength: 5, persistent: true },
        { method: 'HEAD' },
      ],
      [
        'F1 HEAD with chunked',
        ok('Transfer-Encoding: chunked\r\n'),
        { outcome: 'end', framing: 'none' },
        { method: 'HEAD' },
      ],
      [
        'F1 HEAD with another coding',
        ok('Transfer-Encoding: gzip, chunked\r\n'),
        { outcome: 'end', framing: 'none' },
        { method: 'HEAD' },
      ],
      [
        'F1 204',
        'HTTP/1.1 204 No Content\r\n\r\n',
        { outcome: 'end', framing: 'none', statusText: 'No Content', persistent: true },
      ],
      [
        'F1 204 with Content-Length',
        'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello',
        { outcome: 'end', body: '', surplus: 'hello' },
      ],
      ['F1 204 with a malformed Content-Length', 'HTTP/1.1 204 No Content\r\nContent-Length: x\r\n\r\n', 'ParseError'],
      [
        'F1 304 with a non-zero Content-Length',
        'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n',
        { outcome: 'end', contentLength: 5, body: '' },
      ],
      [
        'F1 304 with bytes behind it',
        'HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nok',
        { outcome: 'end', body: '', surplus: 'ok' },
      ],
      ['F1 Content-Length 0', ok('Content-Length: 0\r\n'), { outcome: 'end', framing: 'length', body: '' }],
      [
        '205 is no such response: its framing says what belongs to it',
        'HTTP/1.1 205 Reset Content\r\nContent-Length: 2\r\n\r\nok',
        { outcome: 'end', framing: 'length', body: 'ok', surplus: '' },
      ],
      ['F1 HTTP/1.0 HEAD', 'HTTP/1.0 200 OK\r\n\r\n', { outcome: 'end', persistent: false }, { method: 'HEAD' }],
    ]);
  });

  describe('tunnels and upgrades', () => {
    const connect = { method: 'CONNECT' };
    const offered = { upgrade: true };
    table([
      [
        'F2 2xx to CONNECT, tunnel bytes behind it',
        'HTTP/1.1 200 Established\r\n\r\n\x16\x03\x01',
        { outcome: 'upgrade', surplus: '\x16\x03\x01', persistent: false },
        connect,
      ],
      [
        'F2 framing fields ignored',
        'HTTP/1.1 299 X\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc',
        { outcome: 'upgrade', surplus: 'abc' },
        connect,
      ],
      [
        'F3 407 to CONNECT',
        'HTTP/1.1 407 Auth\r\nContent-Length: 3\r\n\r\nabc',
        { outcome: 'end', body: 'abc', persistent: true },
        connect,
      ],
      [
        'F3 302 to CONNECT',
        'HTTP/1.1 302 Auth\r\nTransfer-Encoding: chunked\r\n\r\n' + chunkedOk,
        { outcome: 'end', body: 'ok' },
        connect,
      ],
      ['F4 101 not offered', 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n', 'ParseError'],
      ['F4 101 without Upgrade', 'HTTP/1.1 101 Switching\r\n\r\n', 'ParseError', offered],
      ['F4 101 with an empty Upgrade', 'HTTP/1.1 101 Switching\r\nUpgrade: \r\n\r\n', 'ParseError', offered],
      [
        'F4 101 offered',
        'HTTP/1.1 101 Switching\r\nUPGRADE: websocket\r\nConnection: upgrade\r\n\r\n\x81\x00',
        { outcome: 'upgrade', status: 101, surplus: '\x81\x00' },
        offered,
      ],
      ['F4 declined', ok('Content-Length: 2\r\n', 'ok'), { outcome: 'end', body: 'ok' }, offered],
      [
        'F4 100 first',
        'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 S\r\nUpgrade: x\r\n\r\n',
        { outcome: 'upgrade', informational: [100] },
        offered,
      ],
    ]);
  });

  describe('informational responses', () => {
    const last = ok('Content-Length: 2\r\n', 'ok');
    table([
      ['F5 100 unasked', 'HTTP/1.1 100 Continue\r\n\r\n' + last, { outcome: 'end', informational: [100], body: 'ok' }],
      [
        'F5 several',
        'HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102\r\n\r\nHTTP/1.1 199 \r\n\r\n' + last,
        { outcome: 'end', informational: [103, 102, 199], headers: ['Content-Length', '2'], persistent: true },
      ],
      [
        'F5 Connection: close on it ends nothing',
        'HTTP/1.1 103 Hints\r\nConnection: close\r\nKeep-Alive: timeout=1\r\n\r\n' + last,
        { outcome: 'end', persistent: true },
      ],
      ['F5 HTTP/1.0 on it', 'HTTP/1.0 100 Continue\r\n\r\n' + last, { outcome: 'end', persistent: true }],
      [
        'F5 Content-Length on it',
        'HTTP/1.1 103 Hints\r\nContent-Length: 4\r\n\r\n' + last,
        { outcome: 'end', body: 'ok' },
      ],
      [
        'F5 before a tunnel',
        'HTTP/1.1 100 C\r\n\r\nHTTP/1.1 200 OK\r\n\r\nx',
        { outcome: 'upgrade', surplus: 'x' },
        { method: 'CONNECT' },
      ],
      ['F5 malformed', 'HTTP/1.1 103 Hints\r\nLink : a\r\n\r\n' + last, 'ParseError'],
      ['F5 cut after it', 'HTTP/1.1 103 Hints\r\n\r\n', 'TruncatedBodyError', { eof: true }],
    ]);
  });

  describe('Transfer-Encoding', () => {
    const te = (value: string) => ok(`Transfer-Encoding:${value}\r\n`, chunkedOk);
    const accepted = { outcome: 'end', framing: 'chunked', body: 'ok', persistent: true, contentLength: null } as const;
    table([
      ['F7 chunked', te(' chunked'), accepted],
      ['F7 no white space', te('chunked'), accepted],
      ['F7 case', te(' ChUnKeD'), accepted],
      ['F8 HTAB around', te('\tchunked\t '), accepted],
      ...[
        'chunked,',
        ', chunked',
        'chunked;q=1',
        'gzip, chunked',
        'chunked, chunked',
        'chunked, gzip',
        'identity',
        'xchunked',
        'chunke',
        'chunkedx',
        'chunked gzip',
        '"chunked"',
        '',
        ' \t ',
        ',',
      ].map((value): Row => [`F8-F10 ${JSON.stringify(value)}`, te(` ${value}`), 'ParseError']),
      ['F8 vertical tab', te(' chunked\x0b'), 'ParseError'],
      ['F9 twice', ok('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', chunkedOk), 'ParseError'],
      ['F9 in two fields', ok('Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n', chunkedOk), 'ParseError'],
      ['F10 empty, then chunked', ok('Transfer-Encoding:\r\nTransfer-Encoding: chunked\r\n', chunkedOk), 'ParseError'],
      ['F10 empty, then Content-Length', ok('Transfer-Encoding:\r\nContent-Length: 15\r\n', chunkedOk), 'ParseError'],
      ['F6 Content-Length first', ok('Content-Length: 2\r\nTransfer-Encoding: chunked\r\n', chunkedOk), 'ParseError'],
      [
        'F6 Content-Length last',
        ok('Transfer-Encoding: chunked\r\nX: y\r\nContent-Length: 2\r\n', chunkedOk),
        'ParseError',
      ],
      ['F6 with identity', ok('Transfer-Encoding: identity\r\nContent-Length: 2\r\n', 'ok'), 'ParseError'],
      [
        'F6 answer to HEAD',
        ok('Transfer-Encoding: chunked\r\nContent-Length: 2\r\n'),
        'ParseError',
        { method: 'HEAD' },
      ],
      ['F11 HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n' + chunkedOk, 'ParseError'],
      [
        'F11 HTTP/1.0 keep-alive',
        'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n' + chunkedOk,
        'ParseError',
      ],
      [
        'another name',
        ok('Transfer_Encoding: chunked\r\nContent-Length: 2\r\n', 'ok'),
        { outcome: 'end', framing: 'length' },
      ],
    ]);
  });

  describe('Content-Length', () => {
    const cl = (value: string, body = 'ok') => ok(`Content-Length: ${value}\r\n`, body);
    table([
      ...[
        '+2',
        '-1',
        '-2',
        '2.0',
        '0x2',
        '2_0',
        '"2"',
        '2;',
        '2 2',
        '2,2',
        '2, 2',
        'x',
        '',
        '\t',
        '1e1',
        '\xb2',
        '\xef\xbc\x92',
        '9007199254740992',
        '99999999999999999',
        '18446744073709551618',
        '340282366920938463463374607431768211456',
      ].map((value): Row => [`F12, F14 ${JSON.stringify(value)}`, cl(value), 'ParseError']),
      ['F12 NUL', cl('2\0'), 'ParseError'],
      ['F12 vertical tab', cl('\x0b2'), 'ParseError'],
      ['F12 leading zeros', cl('0000000000000000000000002'), { outcome: 'end', body: 'ok', contentLength: 2 }],
      ['F14 2^53-1', cl('9007199254740991'), { outcome: 'more', body: 'ok', contentLength: Number.MAX_SAFE_INTEGER }],
      ['F13 equal duplicates', ok('Content-Length: 2\r\nContent-Length: 2\r\n', 'ok'), 'ParseError'],
      ['F13 differing duplicates', ok('Content-Length: 2\r\ncontent-length: 3\r\n', 'ok'), 'ParseError'],
      ['F16 short', cl('5'), { outcome: 'TruncatedBodyError', body: 'ok' }, { eof: true }],
      ['F16 short, open', cl('5'), { outcome: 'more', body: 'ok' }],
      ['F17 surplus', cl('2', 'okHTTP/1.1 200 OK\r\n'), { outcome: 'end', body: 'ok', surplus: 'HTTP/1.1 200 OK\r\n' }],
      [
        'F17 surplus after chunks',
        ok('Transfer-Encoding: chunked\r\n', chunkedOk + '\r\n'),
        { outcome: 'end', body: 'ok', surplus: '\r\n' },
      ],
    ]);
  });

  describe('a body that ends with the connection', () => {
    table([
      [
        'F15 FIN',
        ok('X: y\r\n', 'some'),
        { outcome: 'end', framing: 'close', body: 'some', persistent: false, contentLength: null },
        { eof: true },
      ],
      ['F15 open', ok('X: y\r\n', 'some'), { outcome: 'more', body: 'some' }],
      ['F15 empty', ok(''), { outcome: 'end', body: '' }, { eof: true }],
      [
        'F15 HTTP/1.0 keep-alive',
        'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nx',
        { outcome: 'end', persistent: false, version: '1.0' },
        { eof: true },
      ],
    ]);
  });

  describe('fields', () => {
    const field = (line: string) => ok(`X-First: a\r\n${line}\r\nContent-Length: 2\r\n`, 'ok');
    table([
      ['F22 obs-fold SP', field('X: a\r\n b'), 'ParseError'],
      ['F22 obs-fold HTAB', field('X: a\r\n\tb'), 'ParseError'],
      ['F22 white space line', field('X: a\r\n  '), 'ParseError'],
      ['F23 before the first field', ok(' X: a\r\nContent-Length: 2\r\n', 'ok'), 'ParseError'],
      ['F24 before the colon', field('X : a'), 'ParseError'],
      ['F24 HTAB before the colon', field('X\t: a'), 'ParseError'],
      ['F24 Content-Length', ok('Content-Length : 2\r\n', 'ok'), 'ParseError'],
      ['F25 bare LF after a field', field('X: a\nY: b'), 'ParseError'],
      ['F25 bare LF after the status line', 'HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nok', 'ParseError'],
      ['F25 bare LF for the empty line', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\nok', 'ParseError'],
      ['F26 bare CR in a value', field('X: a\rb'), 'ParseError'],
      ['F26 CR CR after the status line', 'HTTP/1.1 200 OK\r\rX: a\r\n\r\n', 'ParseError'],
      ['F26 CR CR LF', field('X: a\r'), 'ParseError'],
      ['F26 CR for the empty line', 'HTTP/1.1 200 OK\r\n\rX: a\r\n\r\n', 'ParseError'],
      ...['\0', '\x01', '\x0b', '\x0c', '\x1b', '\x7f'].map((ctl): Row => [
        `F27 ${JSON.stringify(ctl)} in a value`,
        field(`X: a${ctl}b`),
        'ParseError',
      ]),
      ...['\0', ' ', '(', '@', '/', '[', '"', '\x7f', '\x80', '\xe9'].map((octet): Row => [
        `${JSON.stringify(octet)} in a name`,
        field(`X${octet}Y: a`),
        'ParseError',
      ]),
      ['no colon', field('X'), 'ParseError'],
      ['no name', field(': a'), 'ParseError'],
      ['every token character', field("!#$%&'*+-.^_`|~09azAZ: a"), { outcome: 'end' }],
      ['obs-text in a value', field('X: \x80\xa0\xff'), { outcome: 'end' }],
      [
        'only obs-text white space',
        field('X: \xa0'),
        { headers: ['X-First', 'a', 'X', '\xa0', 'Content-Length', '2'] },
      ],
      [
        'white space around and inside',
        field('X: \t a b\t c \t'),
        { headers: ['X-First', 'a', 'X', 'a b\t c', 'Content-Length', '2'] },
      ],
      ['colons in a value', field('X::a: b'), { headers: ['X-First', 'a', 'X', ':a: b', 'Content-Length', '2'] }],
      ['__proto__', field('__proto__: a'), { headers: ['X-First', 'a', '__proto__', 'a', 'Content-Length', '2'] }],
    ]);
  });

  describe('the status line', () => {
    const line = (text: string) => `${text}\r\nContent-Length: 2\r\n\r\nok`;
    table([
      ...[
        'HTTP/1.1  200 OK',
        'HTTP/1.1\t200 OK',
        'HTTP/1.1 200\tOK',
        'HTTP/1.1 20 OK',
        'HTTP/1.1 2000 OK',
        'HTTP/1.1 099 OK',
        'HTTP/1.1 000 OK',
        'HTTP/1.1 2x0 OK',
        'HTTP/1.1 +20 OK',
        'HTTP/1.1 -20 OK',
        'HTTP/1.1 200OK',
        'HTTP/1.1',
        'HTTP/1.1 ',
        ' HTTP/1.1 200 OK',
        '200 OK',
        '',
      ].map((text): Row => [`F29 ${JSON.stringify(text)}`, line(text), 'ParseError']),
      ...[
        'http/1.1 200 OK',
        'HTTP/1.2 200 OK',
        'HTTP/1.9 200 OK',
        'HTTP/0.9 200 OK',
        'HTTP/2.0 200 OK',
        'HTTP/2 200 OK',
        'HTTP/1.10 200 OK',
        'HTTP/11 200 OK',
        'HTTP/1,1 200 OK',
        'ICY 200 OK',
        'RTSP/1.0 200 OK',
        'ICE/1.0 200 OK',
        'HTTPS/1.1 200 OK',
        '<html>hello',
      ].map((text): Row => [`F30 ${text}`, line(text), 'ParseError']),
      ['F29 a status below 100, nothing behind it', 'HTTP/1.1 099 X\r\n\r\n', 'ParseError'],
      ['F31 leading CRLF', '\r\n' + ok('Content-Length: 0\r\n'), 'ParseError'],
      ['F31 leading LF', '\n' + ok('Content-Length: 0\r\n'), 'ParseError'],
      ['F28 control character in the reason', line('HTTP/1.1 200 O\x01K'), 'ParseError'],
      ['F28 NUL in the reason', line('HTTP/1.1 200 O\0'), 'ParseError'],
      ['F28 DEL in the reason', line('HTTP/1.1 200 O\x7f'), 'ParseError'],
      [
        'F28 obs-text and HTAB in the reason',
        line('HTTP/1.1 200 O\t\xe9 K'),
        { outcome: 'end', statusText: 'O\t\xe9 K' },
      ],
      ['F29 no reason', line('HTTP/1.1 200 '), { outcome: 'end', statusText: '' }],
      ['F29 no reason, no SP', line('HTTP/1.1 200'), { outcome: 'end', statusText: '' }],
      ['F29 999', line('HTTP/1.1 999 X'), { outcome: 'end', status: 999 }],
      ['F29 600', line('HTTP/1.1 600 X'), { outcome: 'end', status: 600 }],
      ['F30 1.0', line('HTTP/1.0 200 OK'), { outcome: 'end', version: '1.0' }],
      ['F25 CRLF only', '\r\n\r\n', 'ParseError'],
      ['TLS alert', '\x15\x03\x01\x00\x02\x02\x46', 'ParseError'],
    ]);
  });

  describe('persistence', () => {
    const of = (version: string, fields: string, persistent: boolean, keepAlive?: object): Row => [
      `F32 ${version} ${JSON.stringify(fields)}`,
      `HTTP/${version} 200 OK\r\nContent-Length: 2\r\n${fields}\r\nok`,
      { outcome: 'end', persistent, ...(keepAlive && { keepAlive }) },
    ];
    table([
      of('1.1', '', true),
      of('1.1', 'Connection: close\r\n', false),
      of('1.1', 'connection: CLOSE\r\n', false),
      of('1.1', 'Connection:close\t\r\n', false),
      of('1.1', 'Connection: keep-alive, close\r\n', false),
      of('1.1', 'Connection: close, keep-alive\r\n', false),
      of('1.1', 'Connection: x,\tclose\t,y\r\n', false),
      of('1.1', 'Connection: ,,close\r\n', false),
      of('1.1', 'Connection: keep-alive\r\nConnection: close\r\n', false),
      of('1.1', 'Connection: close\r\nConnection: keep-alive\r\n', false),
      of('1.1', 'Connection: xclose\r\n', true),
      of('1.1', 'Connection: closed\r\n', true),
      of('1.1', 'Connection: clos\r\n', true),
      of('1.1', 'Connection: not close\r\n', true),
      of('1.1', 'Connection: \r\n', true),
      of('1.1', 'Proxy-Connection: close\r\n', true),
      of('1.0', '', false),
      of('1.0', 'Connection: keep-alive\r\n', true),
      of('1.0', 'Connection: Keep-Alive\r\n', true),
      of('1.0', 'Connection: x, keep-alive\r\n', true),
      of('1.0', 'Connection: keep-alive, close\r\n', false),
      of('1.0', 'Connection: keep_alive\r\n', false),
      of('1.0', 'Proxy-Connection: keep-alive\r\n', false),
      of('1.0', 'Keep-Alive: timeout=5\r\n', false, { timeout: 5 }),
      of('1.1', 'Keep-Alive: timeout=5, max=100\r\n', true, { timeout: 5, max: 100 }),
      of('1.1', 'KEEP-ALIVE: MAX=0,TIMEOUT=0\r\n', true, { timeout: 0, max: 0 }),
      of('1.1', 'Keep-Alive: foo, timeout=7, bar=x\r\n', true, { timeout: 7 }),
    ]);

    it.each([
      'timeout',
      'timeout=',
      'timeout=-1',
      'timeout=5s',
      'timeout="5"',
      'timeout =5',
      'xtimeout=5',
      'timeout=99999999999999999999',
      ',',
    ])('passes over Keep-Alive: %s', value => {
      expect(judge(ok(`Keep-Alive: ${value}\r\nContent-Length: 0\r\n`))).not.toHaveProperty('keepAlive');
    });
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
