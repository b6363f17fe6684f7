import { crc32 } from 'node:zlib';
import { payload } from './payload.js';
import { Random } from './Random.js';
import { isBodiless, type Answer } from './scenario.js';

/** A response as bytes: what comes before the final head, that head, what follows it. */
export interface Composed {
  readonly informational: string;
  readonly head: string;
  readonly body: Buffer;
}

/** More than a client takes; 16 it does. */
const flood = 40;

/** Writes the answer to a request. What a complete message must say stands in its head: id, length and checksum. */
export function compose(id: number, sight: number, method: string, answer: Answer): Composed {
  const { status, framing, kind, fault, hint } = answer;
  const random = Random.of(id, sight);
  const bodiless = isBodiless(status, method);
  const whole = bodiless ? Buffer.alloc(0) : payload(id, answer.size, kind);
  const over = fault?.kind === 'surplus' ? Math.min(whole.length, 1 + Math.floor(whole.length / 3)) : 0;
  const bytes = whole.subarray(0, whole.length - over);
  const keep = answer.close !== true && framing !== 'close';
  const lines = [
    `HTTP/${framing === 'http10' ? '1.0' : '1.1'} ${status} ${status === 200 ? 'OK' : 'Chaos'}`,
    `X-Id: ${id}`,
    `X-Sight: ${sight}`,
    `X-Length: ${bytes.length}`,
    `X-Kind: ${kind}`,
    `X-Checksum: ${crc32(bytes)}`,
  ];
  if (!keep) lines.push('Connection: close');
  else if (framing === 'http10') lines.push('Connection: keep-alive');
  if (hint !== undefined) {
    const { timeout, max } = hint;
    lines.push(
      `Keep-Alive: ${[timeout && `timeout=${timeout}`, max !== undefined && `max=${max}`].filter(Boolean).join(', ')}`,
    );
  }
  const chunked = framing === 'chunked' && !bodiless;
  if (chunked) lines.push('Transfer-Encoding: chunked');
  else if (method === 'HEAD') lines.push(`Content-Length: ${answer.size}`);
  else if (framing !== 'close' && !bodiless) {
    lines.push(`Content-Length: ${bytes.length + (fault?.kind === 'short' ? 1 + random.int(0, 1_000) : 0)}`);
  }
  let body: Buffer = chunked ? inChunks(bytes, answer.odd === true, random) : whole;
  if (chunked && fault?.kind === 'short') body = body.subarray(0, body.length - 1 - random.int(0, 4));
  let head = `${lines.join('\r\n')}\r\n\r\n`;
  if (fault?.kind === 'malformed') head = broken(head, fault.which);
  const count = fault?.kind === 'flood' ? flood : (answer.informational ?? 0);
  return { informational: informational(count, random), head, body };
}

function informational(count: number, random: Random): string {
  let heads = '';
  for (let i = 0; i < count; i++) {
    heads += random.chance(0.5)
      ? 'HTTP/1.1 100 Continue\r\n\r\n'
      : `HTTP/1.1 103 Early Hints\r\nLink: </style-${i}.css>; rel=preload\r\n\r\n`;
  }
  return heads;
}

function inChunks(bytes: Buffer, odd: boolean, random: Random): Buffer {
  const parts: (string | Buffer)[] = [];
  // All of them together have a limit at the client.
  let extensions = 200;
  for (let at = 0; at < bytes.length;) {
    const size = Math.min(bytes.length - at, odd ? 1 + random.spread(0, 3_000) : 16 * 1024);
    const zeros = odd && random.chance(0.2) ? '00' : '';
    const extension = odd && random.chance(0.3) && extensions-- > 0 ? `;part=${at};note="a \\"b\\" ;c"` : '';
    const digits = size.toString(16);
    parts.push(`${zeros}${odd && random.chance(0.5) ? digits.toUpperCase() : digits}${extension}\r\n`);
    parts.push(bytes.subarray(at, at + size), '\r\n');
    at += size;
  }
  parts.push(odd && random.chance(0.4) ? '0\r\nX-Trailer: yes\r\nX-Other: 1\r\n\r\n' : '0\r\n\r\n');
  return Buffer.concat(parts.map(part => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)));
}

/** Ways to break a head, each of which must be refused. From `brokenFraming` on: the framing of a body. */
const rules: readonly ((head: string) => string)[] = [
  head => head.replace('HTTP/1.', 'HTTP/2.'),
  head => head.replace(/^HTTP\/1\.\d \d\d\d/, 'HTTP/1.1 20'),
  head => head.replace('\r\nX-Sight', '\r\nX-Broken : 1\r\nX-Sight'),
  head => head.replace('\r\nX-Sight', '\r\n folded\r\nX-Sight'),
  head => head.replace('X-Sight:', 'X-Sight: \0'),
  head => head.replace('\r\nX-Sight', `\r\nX-Long: ${'x'.repeat(20_000)}\r\nX-Sight`),
  head => head.replace('\r\nX-Sight', '\r\nno colon here\r\nX-Sight'),
  head => `\x16\x03\x01 this is no HTTP${head}`,
  head => head.replace('\r\n\r\n', '\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n'),
  head => head.replace('\r\n\r\n', '\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n'),
  head => head.replace('\r\n\r\n', '\r\nTransfer-Encoding: gzip, chunked\r\n\r\n'),
  head =>
    head
      .replace(/\r\nContent-Length.*|\r\nTransfer-Encoding.*/, '')
      .replace('\r\n\r\n', '\r\nContent-Length: +3\r\n\r\n'),
  head =>
    head
      .replace(/\r\nContent-Length.*|\r\nTransfer-Encoding.*/, '')
      .replace('\r\n\r\n', '\r\nTransfer-Encoding: chunked, chunked\r\n\r\n'),
];

function broken(head: string, which: number): string {
  return rules[which](head);
}
