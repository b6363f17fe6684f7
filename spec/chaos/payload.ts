import { content } from '../loopback/programs/content.js';

/** How bytes are made: any, those of a text, or those of a JSON document. */
export type PayloadKind = 'bytes' | 'text' | 'json';

const piece = 256 * 1024;
const least = 8;

/** The bytes of message `id`, and of no other: both sides know what they must be. */
export function payload(id: number, size: number, kind: PayloadKind = 'bytes'): Buffer {
  if (kind === 'json') return Buffer.from(JSON.stringify({ id, text: text(id, size) }), 'latin1');
  if (kind === 'text') return Buffer.from(text(id, size), 'latin1');
  // The number of the message is in its first bytes, however few of them there are.
  if (size < least) return content(id, least).subarray(0, size);
  if (size <= piece) return content(id, size);
  const parts: Buffer[] = [];
  for (let at = 0; at < size; at += piece) parts.push(content(id + at, Math.min(piece, size - at)));
  return Buffer.concat(parts);
}

function text(id: number, size: number): string {
  return payload(id, Math.ceil(size * 0.75))
    .toString('base64url')
    .padEnd(size, '.')
    .slice(0, size);
}
