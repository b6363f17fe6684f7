import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { HeadersOverflowError, InvalidRequestError, ParseError, TruncatedBodyError } from '../../src/errors/index.js';
import { HTTPHeaders, ResponseParser, responseLimits, type ResponseLimits } from '../../src/wire/index.js';
import { verdict } from './verdict.js';

const chunkedHead = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
const outcome = (text: string) => verdict(Buffer.from(text, 'latin1'), []).outcome;

/** Every octet but those of `text`. */
const othersThan = (text: string) =>
  Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).filter(octet => !text.includes(octet));

/** All texts over an alphabet, up to a length. */
function* texts(alphabet: string, length: number): Generator<string> {
  yield '';
  if (length === 0) return;
  for (const rest of texts(alphabet, length - 1)) for (const letter of alphabet) yield letter + rest;
}

describe('What holds a response together', () => {
  // One octet that is not there makes another response of what comes behind it, so that nothing else may stand for it.
  it.each([
    ['the line end of the status line', 'HTTP/1.1 200 OK', '\r\n', 'X: y\r\nContent-Length: 0\r\n\r\n'],
    ['the line end of a status line without reason', 'HTTP/1.1 200', '\r\n', 'X: y\r\nContent-Length: 0\r\n\r\n'],
    ['the line end of a field', 'HTTP/1.1 200 OK\r\nContent-Length: 0', '\r\n', '\r\n'],
    ['the line end of an empty field', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX:', '\r\n', '\r\n'],
    ['the empty line', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n', '\r\n', ''],
    ['the line end of a chunk size', `${chunkedHead}2`, '\r\n', 'ok\r\n0\r\n\r\n'],
    ['the line end of a chunk extension', `${chunkedHead}2;a=b`, '\r\n', 'ok\r\n0\r\n\r\n'],
    ['the line end of a quoted chunk extension', `${chunkedHead}2;a="b"`, '\r\n', 'ok\r\n0\r\n\r\n'],
    ['the line end of chunk data', `${chunkedHead}2\r\nok`, '\r\n', '0\r\n\r\n'],
    ['the line end of the last chunk', `${chunkedHead}2\r\nok\r\n0`, '\r\n', '\r\n'],
    ['the line end of a trailer', `${chunkedHead}0\r\nX: y`, '\r\n', '\r\n'],
    ['the empty line behind a chunked body', `${chunkedHead}0\r\n`, '\r\n', ''],
    ['the name and major version', '', 'HTTP/1.', '1 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ['the space behind the version', 'HTTP/1.1', ' ', '200 OK\r\nContent-Length: 0\r\n\r\n'],
  ])('is %s, octet for octet', (_what, before, octets, behind) => {
    expect(outcome(before + octets + behind)).toBe('end');
    for (let at = 0; at < octets.length; at++) {
      for (const other of othersThan(octets[at])) {
        const text = before + octets.slice(0, at) + other + octets.slice(at + 1) + behind;
        // What looks on like a longer line is one whose end is still to come; it never is the end.
        if (outcome(text) !== 'ParseError') expect([text, outcome(text)]).toEqual([text, 'ParseError']);
      }
    }
  });

  it('is a size before each chunk: an empty line is none, also where trailers would follow', () => {
    for (const text of ['\r\n\r\n', '\r\nX: y\r\n\r\n', '2\r\nok\r\n\r\n\r\n', ';a\r\n\r\n', '2\r\nok\r\n;a\r\n\r\n']) {
      expect([text, outcome(chunkedHead + text)]).toEqual([text, 'ParseError']);
    }
  });

  it('is a status of three digits from 100, and a version of 1.0 or 1.1', () => {
    const rest = ' OK\r\nContent-Length: 0\r\n\r\n';
    for (const octet of othersThan('123456789')) expect(outcome(`HTTP/1.1 ${octet}04${rest}`)).toBe('ParseError');
    for (const octet of othersThan('0123456789')) {
      expect(outcome(`HTTP/1.1 2${octet}0${rest}`)).toBe('ParseError');
      expect(outcome(`HTTP/1.1 20${octet}${rest}`)).toBe('ParseError');
    }
    for (const octet of othersThan('01')) expect(outcome(`HTTP/1.${octet} 200${rest}`)).toBe('ParseError');
    for (const octet of othersThan(' \r')) expect(outcome(`HTTP/1.1 200${octet}${rest}`)).toBe('ParseError');
  });
});

describe('A status line', () => {
  it.each(['', 'O', 'K', 'OK', 'KO', 'ON', 'NK', 'ok', 'OKAY', 'NOT', 'OK ', ' OK'])('has the reason %j', reason => {
    const bytes = Buffer.from(`HTTP/1.1 200 ${reason}\r\nContent-Length: 0\r\n\r\n`);
    expect(verdict(bytes, [])).toMatchObject({ outcome: 'end', statusText: reason });
  });
});

describe('Chunk extensions', () => {
  // RFC 9112 section 7.1.1, with the white space of BWS taken before a `;` and not before the line end.
  const token = `[!#$%&'*+\\-.^_\`|~0-9A-Za-z]+`;
  const quoted = `"(?:[\\t !#-\\[\\]-~\\x80-\\xff]|\\\\[\\t -~\\x80-\\xff])*"`;
  const one = `;[ \\t]*${token}(?:[ \\t]*=[ \\t]*(?:${token}|${quoted}))?(?:[ \\t]+(?=;))?`;
  const grammar = new RegExp(`^(?:${one})*$`);

  /** Compares in one `expect`, which costs more than the parser. */
  const differences = (extensions: Iterable<string>) => {
    const found: string[] = [];
    for (const extension of extensions) {
      const expected = grammar.test(extension) ? 'end' : 'ParseError';
      if (outcome(`${chunkedHead}2${extension}\r\nok\r\n0\r\n\r\n`) !== expected) found.push(extension);
    }
    return found;
  };

  it('are all those of the grammar, and no others', () => {
    const alphabet = ';a= "\\\0';
    expect(differences(Array.from(texts(alphabet, 4), text => `;${text}`))).toEqual([]);
    expect(differences(Array.from(texts(alphabet, 4), text => `;a=${text}`))).toEqual([]);
    expect(differences(Array.from(texts(alphabet, 3), text => `;a="${text}"`))).toEqual([]);
  });

  it.each([';', ';a', ';a ', ';a=', ';a=b', ';a=b ', ';a="', ';a="\\', ';a="b"'])(
    'have no octet behind %s that may not be there',
    begun => {
      // What else is needed for the line to be right, where the octet was.
      const ends = ['', 'c', '=c', '"', '\\"', 'c"', ';c'];
      const octets = othersThan('\r\n');
      expect(differences(octets.flatMap(octet => ends.map(end => begun + octet + end)))).toEqual([]);
      for (const end of ['\n', '\n\r\n', '\n\n']) {
        expect(outcome(`${chunkedHead}2${begun}${end}ok\r\n0\r\n\r\n`)).toBe('ParseError');
      }
    },
  );
});

describe('A limit that was passed', () => {
  const chunks = `${chunkedHead}1;abcdef\r\nx\r\n0\r\nX: yyyyyy\r\nZ: z\r\n\r\n`;

  it.each<[keyof ResponseLimits, number, string]>([
    ['maxHeadSize', 20, chunkedHead],
    ['maxHeaderCount', 0, chunkedHead],
    ['maxHeaderCount', 1, chunks],
    ['maxInformational', 1, 'HTTP/1.1 103 E\r\n\r\n'.repeat(2)],
    ['maxChunkExtensions', 3, chunks],
    ['maxTrailerSize', 3, chunks],
  ])('is told by its name and value: %s', (name, value, text) => {
    for (const step of [1, text.length]) {
      const parser = new ResponseParser(responseLimits({ [name]: value }));
      parser.start({ method: 'GET', upgrade: false });
      let error: unknown;
      try {
        for (let at = 0; at < text.length; at += step) {
          parser.feed(Buffer.from(text.slice(at, at + step)));
          for (let token = parser.read(); token !== 'more' && token !== 'end'; token = parser.read());
        }
      } catch (caught) {
        error = caught;
      }
      expect(error).toBeInstanceOf(HeadersOverflowError);
      expect(error).toMatchObject({ limit: name, value });
    }
  });
});

describe('A parser that is used again', () => {
  const request = { method: 'GET', upgrade: false };
  const read = (parser: ResponseParser, text: string) => {
    parser.feed(Buffer.from(text, 'latin1'));
    let token = parser.read();
    while (!['more', 'end', 'upgrade'].includes(token)) token = parser.read();
    return token;
  };

  // Wherever a response breaks off, nothing of it is left in the next.
  it.each([
    ['in the version', 'HTTP/1.1 2', '\0'],
    ['in the reason', 'HTTP/1.1 200 O', '\0'],
    [
      'in the fields',
      'HTTP/1.0 200 OK\r\nConnection: close\r\nTransfer-Encoding: gzip\r\nContent-Length: 5\r\nX',
      '\0',
    ],
    ['in a value', 'HTTP/1.1 200 OK\r\nContent-Length: 5', '\0'],
    ['in a chunk size', `${chunkedHead}fffffffffffff`, '\0'],
    ['in a chunk extension', `${chunkedHead}2;abcd`, '\0'],
    ['in chunk data', `${chunkedHead}5\r\nab`, ''],
    ['behind chunk data', `${chunkedHead}2\r\nab`, 'X'],
    ['in the trailers', `${chunkedHead}0\r\nX: y\r\nContent-Le`, '\0'],
    ['in a body of known length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab', ''],
    ['behind 1xx responses', 'HTTP/1.1 103 E\r\n\r\n'.repeat(2), '\0'],
  ])('after one that broke off %s', (_where, text, fault) => {
    const limits = responseLimits({
      maxHeadSize: 160,
      maxHeaderCount: 4,
      maxInformational: 2,
      maxChunkExtensions: 5,
      maxTrailerSize: 40,
    });
    const parser = new ResponseParser(limits);
    parser.start(request);
    read(parser, text);
    if (fault !== '') expect(() => read(parser, fault)).toThrow(ParseError);

    parser.start(request);
    const early = 'HTTP/1.1 103 E\r\n\r\n';
    const sized = 'HTTP/1.1 204 No\r\nX: y\r\n\r\n';
    expect(read(parser, early + early + sized)).toBe('end');
    expect(parser).toMatchObject({ framing: 'none', contentLength: null, persistent: true, keepAlive: undefined });
    expect(parser.head).toMatchObject({ status: 204, statusText: 'No', httpVersion: '1.1' });
    expect(parser.head.headers.raw).toEqual(['X', 'y']);

    parser.start(request);
    expect(read(parser, `${chunkedHead}1;abcd\r\nx\r\n0000000000000000\r\nA:\r\nB:\r\nC:\r\nD:\r\n\r\n`)).toBe('end');
    expect(parser.trailers.raw).toEqual(['A', '', 'B', '', 'C', '', 'D', '']);
  });

  it('knows that a tunnel is over for it, and not cut', () => {
    const parser = new ResponseParser();
    parser.start({ method: 'CONNECT', upgrade: false });
    expect(read(parser, 'HTTP/1.1 200 OK\r\n\r\ntheirs')).toBe('upgrade');
    expect([parser.read(), parser.end - parser.position]).toEqual(['upgrade', 6]);
    expect(parser.eof()).toBe('end');
    expect(parser.remaining).toBe(-1);
  });

  it.each([
    ['a tunnel', 'CONNECT', 'HTTP/1.1 200 OK\r\n\r\n'],
    ['another protocol', 'GET', 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n'],
  ])('says at once, and whenever it is asked, that %s begins', (_what, method, text) => {
    const parser = new ResponseParser();
    parser.start({ method, upgrade: true });
    parser.feed(Buffer.from(`${text}theirs`));
    expect([parser.read(), parser.read(), parser.end - parser.position]).toEqual(['upgrade', 'upgrade', 6]);
    expect(parser.eof()).toBe('end');
  });

  it('makes a tunnel of a success only', () => {
    for (const status of [199, 300, 407]) {
      const bytes = Buffer.from(`HTTP/1.1 ${status} No\r\nContent-Length: 2\r\n\r\nno`);
      expect(verdict(bytes, [], { method: 'CONNECT' }).outcome).not.toBe('upgrade');
    }
    for (const status of [200, 204, 299]) {
      const bytes = Buffer.from(`HTTP/1.1 ${status} Yes\r\n\r\n`);
      expect(verdict(bytes, [], { method: 'CONNECT' }).outcome).toBe('upgrade');
    }
  });

  it('is of no use after an error, be there bytes or not', () => {
    const parser = new ResponseParser();
    for (const text of ['HTTP/1.1 x', `${chunkedHead}x`, `${chunkedHead}0\r\nContent-Length: 1\r\n\r\n`]) {
      parser.start(request);
      expect(() => read(parser, text)).toThrow(ParseError);
      for (const more of ['', 'HTTP/1.1 200 OK\r\n\r\n']) expect(() => read(parser, more)).toThrow(ParseError);
    }
    for (const text of [
      'HTTP/1.1 2',
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n',
      chunkedHead,
      `${chunkedHead}0\r\n`,
    ]) {
      parser.start(request);
      expect(read(parser, text)).toBe('more');
      expect(() => parser.eof()).toThrow(TruncatedBodyError);
      expect(() => read(parser, '')).toThrow(ParseError);
      expect(() => parser.eof()).toThrow(TruncatedBodyError);
    }
  });

  it('has read all of a body of known length with its last byte: an end behind that cuts nothing', () => {
    const parser = new ResponseParser();
    parser.start(request);
    parser.feed(Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
    expect([parser.read(), parser.read(), parser.remaining]).toEqual(['head', 'data', 0]);
    expect([parser.eof(), parser.remaining, parser.read(), parser.eof()]).toEqual(['end', 0, 'end', 'end']);
  });

  it('takes nothing from one head into the next of the same exchange', () => {
    const parser = new ResponseParser();
    parser.start(request);
    const hints = ['Connection: close, keep-alive', 'Keep-Alive: timeout=5, max=7', 'Upgrade: x', 'Content-Length: 3'];
    expect(read(parser, `HTTP/1.0 103 E\r\n${hints.join('\r\n')}\r\n\r\nHTTP/1.1 200\r\n`)).toBe('more');
    expect(read(parser, '\r\nbody')).toBe('more');
    expect(parser).toMatchObject({ framing: 'close', contentLength: null, keepAlive: undefined });
    expect(parser.head).toMatchObject({ status: 200, statusText: '', httpVersion: '1.1' });
    for (const fields of ['Transfer-Encoding: chunked\r\nContent-Length: 1', 'Transfer-Encoding: gzip']) {
      parser.start(request);
      expect(() => read(parser, `HTTP/1.1 200 OK\r\n${fields}\r\n\r\n`)).toThrow(ParseError);
      parser.start(request);
      expect(read(parser, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n')).toBe('end');
      expect(parser.persistent).toBe(true);
    }
  });
});

describe('A field', () => {
  const whole = (fields: string, scene?: { method?: string }) =>
    verdict(Buffer.from(`HTTP/1.0 200 OK\r\n${fields}\r\n\r\n`, 'latin1'), [], scene);
  const none = { outcome: 'more', framing: 'close', contentLength: null, persistent: false };

  it.each([
    'Content-Lengtx: 0',
    'Content_Length: 0',
    'Xontent-Length: 0',
    'Content-Length-: 0',
    'Transfer-Encodinx: chunked',
    'Transfer_Encoding: chunked',
    'Xransfer-Encoding: chunked',
    'Connectiox: close',
    'Keep-Alivx: timeout=5',
    'Xeep-Alive: timeout=5',
    'Upgradx: x',
  ])('is told by its whole name: %s', field => {
    expect(whole(field)).toMatchObject(none);
    expect(whole(field)).not.toHaveProperty('keepAlive');
    expect(whole(`${field}\r\nContent-Length: 0`)).toMatchObject({ outcome: 'end', contentLength: 0 });
    expect(whole(`Content-Length: 0\r\n${field}\r\nConnection: keep-alive`)).toMatchObject({ persistent: true });
    expect(whole(`Connection: keep-alive\r\n${field}\r\nContent-Length: 0`)).toMatchObject({ persistent: true });
  });

  it.each(['keep-alives', 'keep-aliv', 'xkeep-alive', 'keep-alive=1', 'keep alive'])(
    'has options that are told by their whole name: %s',
    option => {
      expect(whole(`Connection: ${option}\r\nContent-Length: 0`)).toMatchObject({ persistent: false });
    },
  );

  it.each([
    ['timeout:5', undefined],
    ['timeoutx=5', undefined],
    ['timeoux=5', undefined],
    ['tim=5', undefined],
    ['max:7', undefined],
    ['mix=7', undefined],
    ['maxx=7', undefined],
    ['foo=7', undefined],
    ['max', undefined],
    ['max=', undefined],
    ['max= 7', undefined],
    ['max=7', { max: 7 }],
    ['max=07', { max: 7 }],
    ['max=0', { max: 0 }],
    ['timeout=0', { timeout: 0 }],
    ['foo=7, max=9', { max: 9 }],
    ['max=9, foo=7', { max: 9 }],
    ['max,=7', undefined],
    ['timeout=9007199254740991', { timeout: 9_007_199_254_740_991 }],
    ['timeout=9007199254740992', undefined],
  ])('gives hints that are told by their whole name: Keep-Alive: %s', (value, keepAlive) => {
    expect(whole(`Keep-Alive: ${value}`).keepAlive).toEqual(keepAlive);
    expect(whole(`Keep-Alive: \t ${value} \t`).keepAlive).toEqual(keepAlive);
  });

  it('has no control character, wherever in its value', () => {
    const controls = othersThan('\t').filter(octet => octet < ' ' || octet === '\x7f');
    for (let before = 0; before <= 8; before++) {
      for (const octet of controls) {
        const text = `HTTP/1.1 200 OK\r\nX:${'a'.repeat(before)}${octet}${'a'.repeat(8 - before)}\r\n\r\n`;
        if (outcome(text) !== 'ParseError') expect([text, outcome(text)]).toEqual([text, 'ParseError']);
      }
    }
  });

  it.each(['Upgradx', 'Xpgrade', 'Upgrade-', 'Refresh'])('is no Upgrade if it is called %s', name => {
    const scene = { upgrade: true };
    const switching = (field: string) => Buffer.from(`HTTP/1.1 101 Switching\r\n${field}: x\r\n\r\n`);
    expect(verdict(switching(name), [], scene).outcome).toBe('ParseError');
    expect(verdict(switching('UPGRADE'), [], scene).outcome).toBe('upgrade');
  });

  it.each(['Content-Length: 0', 'Content-Length: 5', 'Content-Length:', 'Transfer-Encoding: chunked'])(
    'of the framing is no trailer: %s',
    field => {
      expect(outcome(`${chunkedHead}0\r\n${field}\r\n\r\n`)).toBe('ParseError');
    },
  );

  it('of the framing is an error where it is empty, also where there is no body', () => {
    for (const field of ['Transfer-Encoding:', 'Transfer-Encoding: \t ', 'Content-Length:', 'Content-Length: ']) {
      for (const method of ['GET', 'HEAD']) {
        const text = `HTTP/1.1 200 OK\r\n${field}\r\n\r\n`;
        expect(verdict(Buffer.from(text), [], { method }).outcome).toBe('ParseError');
      }
    }
  });
});

describe('Headers', () => {
  it('tell names of one length apart', () => {
    const headers = HTTPHeaders.from({ abc: '1', abd: '2' });
    expect([headers.get('ABD'), headers.get('abx'), headers.has('abx')]).toEqual(['2', null, false]);
  });

  it('join all fields of one name but Set-Cookie, however long the name is', () => {
    const twice = (name: string) =>
      HTTPHeaders.from([
        [name, 'a'],
        [name, 'b'],
      ]);
    for (const name of ['Connection', 'set-cookix', 'Set-Cookie2', 'X']) {
      expect(twice(name).get(name)).toBe('a, b');
      expect(twice(name).toJSON()).toEqual({ [name.toLowerCase()]: 'a, b' });
    }
    expect(twice('Set-Cookie').get('set-cookie')).toBe('a');
    expect(HTTPHeaders.from({ 'Set-Cookie': 'a' }).toJSON()).toEqual({ 'set-cookie': ['a'] });
  });

  it('replace by name, and not by value', () => {
    const headers = HTTPHeaders.from({ a: '1', b: '2', c: '3' });
    expect(headers.with({ a: 'c', b: 'a' }).raw).toEqual(['c', '3', 'a', 'c', 'b', 'a']);
  });

  it('do not show secrets to console.log, and show all else', () => {
    const secrets = ['Authorization', 'Proxy-Authorization', 'Cookie', 'Set-Cookie'];
    const headers = HTTPHeaders.from([...secrets.map((name): [string, string] => [name, 'hunter2']), ['X', 'shown']]);
    expect(inspect(headers)).not.toContain('hunter2');
    for (const name of secrets)
      expect(inspect(headers)).toContain(
        `${name.toLowerCase()}': '(hidden)'`.replace(/^(authorization|cookie)'/, '$1'),
      );
    expect(inspect(headers)).toContain("x: 'shown'");
    expect(inspect(HTTPHeaders.from({ x: 'y' }))).toBe("HTTPHeaders { x: 'y' }");
  });

  it('do not fill a log with what they refuse', () => {
    const long = `${'a'.repeat(500)} `;
    const refusal = () => HTTPHeaders.from({ [long]: 'x' });
    expect(refusal).toThrow(InvalidRequestError);
    expect(refusal).toThrow(/^A header's name is no token: "a{64}…"$/);
    expect(() => HTTPHeaders.from({ [` ${'a'.repeat(63)}`]: 'x' })).toThrow(/: " a{63}"$/);
  });

  it('do not print what stands behind a colon in a name: it is the value of a whole line', () => {
    const line = 'Authorization: Bearer hunter2\nX: y';
    expect(() => HTTPHeaders.from({ [line]: '' })).toThrow(/: "Authorization:"$/);
    try {
      HTTPHeaders.from([[line, '']]);
    } catch (error) {
      expect(error).toMatchObject({ field: 'Authorization:' });
    }
  });

  it('show themselves, without secrets, also to what brings no function to print with', () => {
    const headers = HTTPHeaders.from({ 'X-Y': '1', Cookie: 'hunter2' });
    const shown = headers[Symbol.for('nodejs.util.inspect.custom') as never] as (
      depth: number,
      options: object,
    ) => object;
    expect({ ...shown.call(headers, 2, {}) }).toEqual({ 'x-y': '1', cookie: '(hidden)' });
  });
});
