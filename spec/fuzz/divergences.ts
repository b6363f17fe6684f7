import type { Play, Reading } from './Reading.js';

/** A difference between our parser and Node's that is meant to be. */
export interface Divergence {
  readonly name: string;
  /** With what decides it: `docs/decisions.md`, or a section of an RFC. */
  readonly reason: string;
  /** In which of the ways of `compare` they differ. */
  readonly kinds: readonly string[];
  readonly when: (play: Play, ours: Reading, theirs: Reading) => boolean;
  /**
   * The same response without the cause: of that both must make the same, or the cause was not the only one. Where there
   * is no such response, `when` has to say it all.
   */
  readonly without?: (play: Play, ours: Reading) => string;
  /** Only Node's parser below this version of llhttp differs so. */
  readonly before?: string;
  /** Small, and on this list for this reason only. */
  readonly example: { readonly text: string; readonly method?: Play['method']; readonly upgrade?: boolean };
}

const refusal = ['refuses'];
const ok = 'HTTP/1.1 200 OK\r\n';
const chunked = `${ok}Transfer-Encoding: chunked\r\n\r\n`;

/** The values of Transfer-Encoding, before the body as well as behind it. */
const coding = /^transfer-encoding:(.*?)\r?$/gim;

const codings = (text: string): string[] => [...text.matchAll(coding)].map(([, value]) => value);
/** The offset behind the 1xx heads. */
function finalHead(text: string): number {
  let at = 0;
  while (/^HTTP\/1\.[01] 1(?!01)\d\d/.test(text.slice(at, at + 12))) {
    const end = text.indexOf('\r\n\r\n', at);
    if (end < 0) break;
    at = end + 4;
  }
  return at;
}

/** The text with the 1xx heads changed, and with what follows them changed. */
function changed(text: string, heads: (text: string) => string, rest: (text: string) => string): string {
  const at = finalHead(text);
  return heads(text.slice(0, at)) + rest(text.slice(at));
}
const kept = (text: string): string => text;

const closed = (text: string): string => text + (text.endsWith('\r') ? '\n\r\n' : '\r\n\r\n');

export const divergences: readonly Divergence[] = [
  // ---- we refuse what Node takes ----------------------------------------------------------------------------------
  {
    name: 'line ends before the status line',
    reason: 'The leniency is granted to servers only (RFC 9112 section 2.2); Node skips any number of them.',
    kinds: refusal,
    when: ({ text }, { error }) =>
      /does not begin with HTTP/.test(error) && /[\r\n]/.test(text.charAt(finalHead(text))),
    without: ({ text }) => changed(text, kept, rest => rest.replace(/^[\r\n]+/, '')),
    example: { text: `\r\n${ok}Content-Length: 0\r\n\r\n` },
  },
  {
    name: 'another protocol',
    reason: 'RTSP/1.0 and ICE/1.0 are not HTTP; what is not HTTP/1.0 or 1.1 is refused (D31).',
    kinds: refusal,
    when: ({ text }, { error }) =>
      /does not begin with HTTP/.test(error) &&
      /^(?:R(?:T(?:SP?)?)?|IC?)$|^(?:RTSP|ICE)(?:\/|$)/.test(text.slice(finalHead(text))),
    example: { text: 'RTSP/1.0 200 OK\r\n\r\n' },
  },
  {
    name: 'another version',
    reason: 'HTTP/0.9 and 2.0 have no such status line, and only 1.0 and 1.1 are understood (D31).',
    kinds: refusal,
    when: (_, { error }) => /does not begin with HTTP|the version is not/.test(error),
    without: ({ text }) =>
      changed(text, kept, rest => rest.replace(/^HTTP\/\d(?:\.\d?)?/, begin => 'HTTP/1.1'.slice(0, begin.length))),
    example: { text: 'HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n' },
  },
  {
    name: 'a status below 100',
    reason:
      'RFC 9110 section 15: status codes are 100 to 599; those above are read as 5xx, there is nothing for those below.',
    kinds: refusal,
    when: (_, { error }) => /status code is not 100/.test(error),
    without: ({ text }) => changed(text, kept, rest => rest.replace(/^(HTTP\/1\.[01]) 0/, '$1 5')),
    example: { text: 'HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n' },
  },
  {
    name: 'a control character in the reason',
    reason: 'Outside the grammar of RFC 9112 section 4 (D31).',
    kinds: refusal,
    when: (_, { error }) => /a control character in the status line/.test(error),
    without: ({ text }) =>
      text.replace(/^HTTP\/1\.[01] \d{3} [^\r\n]*/gm, line => line.replace(/[\x00-\x08\x0b-\x1f\x7f]/g, '?')),
    example: { text: 'HTTP/1.1 200 O\x01K\r\nContent-Length: 0\r\n\r\n' },
  },
  {
    name: 'Transfer-Encoding in HTTP/1.0',
    reason: 'Its framing is faulty, and the connection would have to be closed (RFC 9112 section 6.1).',
    kinds: refusal,
    when: (_, { error }) => /Transfer-Encoding in HTTP\/1\.0/.test(error),
    without: ({ text }) => text.replace(/^HTTP\/1\.0/gm, 'HTTP/1.1'),
    example: { text: 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n' },
  },
  {
    name: 'a transfer coding other than chunked',
    reason:
      'Only exactly "chunked" is understood (D31): Node gives chunk framing, or coded bytes, to the caller as the body.',
    kinds: refusal,
    when: ({ text }, { error }) =>
      /not exactly "chunked"/.test(error) && codings(text).some(value => !/^[ \t]*chunked[ \t]*$/i.test(value)),
    example: { text: `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n` },
  },
  {
    name: 'Transfer-Encoding twice',
    reason: 'Chunked may not be applied twice (RFC 9112 section 6.1), and two fields are read in two ways (D31).',
    kinds: refusal,
    when: ({ text }, { error }) => /Transfer-Encoding is there twice/.test(error) && codings(text).length > 1,
    example: { text: `${ok}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n` },
  },
  {
    name: 'a length above 2^53-1',
    reason: 'It cannot be counted exactly (RFC 9110 section 8.6).',
    kinds: refusal,
    when: ({ text }, { error }) => /no integer from 0 to 2\^53-1/.test(error) && /:\s*0*\d{16,20}\s*$/m.test(text),
    example: { text: `${ok}Content-Length: 9007199254740992\r\n\r\n` },
  },
  {
    name: 'a chunk size above 2^53-1',
    reason: 'It cannot be counted exactly (RFC 9112 section 7.1).',
    kinds: refusal,
    when: ({ text }, { error }) =>
      /chunk size above 2\^53-1/.test(error) && /^0*[2-9a-f][0-9a-f]{13}|^0*1?[0-9a-f]{14}/im.test(text),
    example: { text: `${chunked}20000000000000\r\n` },
  },
  {
    name: 'a limit',
    reason: 'Every octet, field and 1xx counts, and passing a limit is an error (D16); Node drops fields in silence.',
    kinds: [...refusal, 'waits'],
    when: ({ text }, { error }) => {
      const limit = /HeadersOverflowError: .* the limit (.*) =/.exec(error)?.[1];
      if (limit === 'maxInformational') return text.split('HTTP/1.').length > 17;
      return limit !== undefined && (limit.startsWith('digits') ? /^0[0-9a-f]{16}/im : /[^]{4000}/).test(text);
    },
    example: { text: `${chunked}00000000000000005\r\n` },
  },
  {
    name: 'a chunk extension outside the grammar',
    reason: 'RFC 9112 section 7.1.1; what others might read as another size or line is refused.',
    kinds: refusal,
    when: ({ text }, { error }) => /a chunk extension$/.test(error) && /^[0-9a-f]+;/im.test(text),
    without: withoutExtensions,
    example: { text: `${chunked}5;a=\r\nhello\r\n0\r\n\r\n` },
  },
  {
    name: 'a framing field among the trailers',
    reason: 'It may not stand there (RFC 9110 section 6.5.1, D31).',
    kinds: refusal,
    when: ({ text }, { error }) =>
      /among the trailers/.test(error) && /\n(content-length|transfer-encoding):/i.test(text),
    example: { text: `${chunked}0\r\nTransfer-Encoding: x\r\n\r\n` },
  },
  {
    name: 'a switch of protocols that was not asked for',
    reason:
      'RFC 9110 section 7.8: only to a protocol that was offered; Node takes a bare 101 for the answer, and keeps the socket.',
    kinds: [...refusal, 'ends'],
    when: ({ upgrade }, { error, outcome }, { status }) =>
      status === 101 &&
      (upgrade ? outcome === 'upgrade' || /without an Upgrade/.test(error) : /offered no upgrade/.test(error)),
    example: { text: 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n' },
  },

  // ---- we take what Node refuses ----------------------------------------------------------------------------------
  {
    name: 'a 1xx response that closes nothing',
    reason:
      'HTTP/1.0 or Connection: close on a 1xx response do not end the exchange (RFC 9112 section 9.6 is about the final one).',
    kinds: ['accepts', 'waits'],
    when: ({ text }, _, { error }) => /HPE_CLOSED_CONNECTION/.test(error) && finalHead(text) > 0,
    without: ({ text }) =>
      changed(
        text,
        heads => heads.replace(/^HTTP\/1\.0/gm, 'HTTP/1.1').replace(/^(?:proxy-)?connection:/gim, 'x:'),
        kept,
      ),
    example: { text: `HTTP/1.0 100 Continue\r\n\r\n${ok}Content-Length: 0\r\n\r\n` },
  },
  {
    name: 'white space and quotes in chunk extensions',
    reason: 'BWS must be parsed (RFC 9110 section 5.6.3) and obs-text may be quoted (RFC 9110 section 5.6.4).',
    kinds: ['accepts', 'waits'],
    when: (_, __, { error }) => /chunk extension/.test(error),
    without: withoutExtensions,
    example: { text: `${chunked}5; a = b\r\nhello\r\n0\r\n\r\n` },
  },
  {
    name: 'a tunnel has no framing',
    reason:
      'A client must ignore Content-Length and Transfer-Encoding in a 2xx answer to CONNECT (RFC 9112 section 6.3).',
    kinds: ['accepts'],
    when: ({ method }, { outcome, status }, { error }) =>
      method === 'CONNECT' && outcome === 'upgrade' && status < 300 && /CONTENT_LENGTH|TRANSFER_ENCODING/.test(error),
    without: ({ text }) => text.replace(/^(content-length|transfer-encoding):/gim, 'x:'),
    example: { text: `${ok}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`, method: 'CONNECT' },
  },
  {
    name: 'framing faults are told at the end of the fields',
    reason: 'Whether they count depends on all of them, and on the status; until then nothing was given to the caller.',
    kinds: ['waits'],
    when: (_, { status, error }, { error: fault }) =>
      /CONTENT_LENGTH|TRANSFER_ENCODING/.test(fault) && (status === 0 || /response body/.test(error)),
    without: ({ text }) => closed(text),
    example: { text: `${ok}Content-Length: x\r\n` },
  },

  // ---- both take it, and read it otherwise ------------------------------------------------------------------------
  {
    name: 'HTAB beside the transfer coding',
    reason:
      'It is white space (RFC 9110 section 5.6.3); Node takes it for a part of the coding, and the chunks for the body.',
    kinds: ['refuses', 'ends', 'eof', 'body'],
    when: ({ text }) => codings(text).some(value => /\t/.test(value)),
    without: ({ text }) => text.replace(coding, line => line.replaceAll('\t', '')),
    example: { text: `${ok}Transfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n` },
  },
  {
    name: 'Proxy-Connection',
    reason: 'Not a field of HTTP; from an origin it is passed over (RFC 9112 appendix C.2.2).',
    kinds: ['persistent'],
    when: ({ text }) => /^proxy-connection:/im.test(text),
    without: ({ text }) => text.replace(/^proxy-connection:/gim, 'x:'),
    example: { text: `${ok}Proxy-Connection: close\r\nContent-Length: 0\r\n\r\n` },
  },
  {
    name: 'an answer to HEAD that has no length',
    reason: 'It has no body whatever it says (RFC 9112 section 6.3), so that nothing ends with the connection.',
    kinds: ['persistent'],
    when: ({ method }, { persistent, fields }) => method === 'HEAD' && persistent && !has(fields, 'content-length'),
    without: ({ text }, { length }) =>
      `${text.slice(0, length - 2).replace(/^transfer-encoding:/gim, 'x:')}Content-Length: 0${text.slice(length - 4)}`,
    example: { text: `${ok}\r\n`, method: 'HEAD' },
  },
  {
    name: 'close beside keep-alive in HTTP/1.0',
    reason: 'The option close wins, in every version (RFC 9112 section 9.3).',
    kinds: ['persistent'],
    when: (_, { persistent, version, fields }) => !persistent && version === '1.0' && has(fields, 'connection'),
    without: ({ text }) => changed(text, kept, rest => rest.replace(/keep-alive/gi, 'x')),
    example: { text: 'HTTP/1.0 200 OK\r\nConnection: keep-alive, close\r\nContent-Length: 0\r\n\r\n' },
  },

  // ---- what only older parsers of Node do -------------------------------------------------------------------------
  {
    name: 'CR CR behind the status line',
    reason: 'A bare CR never ends a line (RFC 9112 section 2.2): what follows would be fields that nobody sent.',
    kinds: refusal,
    before: '9.4.2',
    when: ({ text }, { error }) => /CR without LF in the status line/.test(error) && text.includes('\r\r'),
    without: ({ text }) => text.replace(/^(HTTP\/1\.[01] \d{3}[^\r\n]*)\r\r/gm, '$1\r\n'),
    example: { text: 'HTTP/1.1 200 OK\r\rContent-Length: 0\r\n\r\n' },
  },
  {
    name: 'an empty Transfer-Encoding',
    reason: 'A list of no codings is none that can be decoded (D31); with a Content-Length behind it, two framings.',
    kinds: refusal,
    before: '9.4.3',
    when: ({ text }) => codings(text).some(value => value.trim() === ''),
    without: ({ text }) => text.replace(/^transfer-encoding:[ \t]*(?=\r)/gim, 'x:'),
    example: { text: `${ok}Transfer-Encoding:\r\nContent-Length: 0\r\n\r\n` },
  },
  {
    name: 'HTAB beside a length',
    reason: 'It is white space (RFC 9110 section 5.6.3).',
    kinds: ['accepts', 'waits'],
    before: '9.4.0',
    when: (_, __, { error }) => /HPE_INVALID_CONTENT_LENGTH/.test(error),
    without: ({ text }) => text.replace(/^content-length:.*/gim, line => line.replaceAll('\t', ' ')),
    example: { text: `${ok}Content-Length: 0\t\r\n\r\n` },
  },
  {
    name: 'HTAB beside a connection option',
    reason: 'It is white space (RFC 9110 section 5.6.3).',
    kinds: ['persistent'],
    before: '9.4.0',
    when: ({ text }) => /^connection:.*\t/im.test(text),
    without: ({ text }) => text.replace(/^connection:.*/gim, line => line.replaceAll('\t', ' ')),
    example: { text: `${ok}Connection: close\t\r\nContent-Length: 0\r\n\r\n` },
  },
];

function has(fields: readonly string[], wanted: string): boolean {
  return fields.some((name, i) => i % 2 === 0 && name.toLowerCase() === wanted);
}

/** The same with no extension behind a chunk's size: that is walked from chunk to chunk, as data may look like one. */
function withoutExtensions({ text }: Play): string {
  const line = /([0-9a-f]+)(;[^]*?)?(\r\n|(?![^]))/iy;
  let at = text.indexOf('\r\n\r\n', finalHead(text)) + 4;
  let plain = text.slice(0, at);
  for (;;) {
    line.lastIndex = at;
    const match = line.exec(text);
    if (match === null) return plain + text.slice(at);
    const [whole, size, , end] = match;
    const next = at + whole.length + parseInt(size, 16) + 2;
    plain += size + end + text.slice(at + whole.length, next);
    if (/^0+$/.test(size) || next >= text.length) return plain + text.slice(next);
    at = next;
  }
}
