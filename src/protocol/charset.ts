import { InvalidOptionError } from '../errors/index.js';
import type { HTTPHeaders } from '../wire/index.js';

/** A header that is longer is not a type but an attack on what reads it. */
const longest = 512;

/** A parameter of a media type: a token, or a quoted string (RFC 9110 section 5.6.6). */
const parameter = /;[ \t]*(?:([^\s;="]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*)))?/g;

/**
 * The charset that the Content-Type says, by its name in the Encoding Standard. UTF-8 if it says none, or one that
 * nobody knows: most of what is mislabelled is UTF-8.
 */
export function charsetOf(headers: HTTPHeaders): string {
  const type = headers.get('content-type');
  if (type === null) return 'utf-8';
  for (const [, name, quoted, token] of type.slice(0, longest).matchAll(parameter)) {
    // The first counts (WHATWG MIME Sniffing section 4.4).
    if (name?.toLowerCase() === 'charset') return labelled(quoted?.replace(/\\(.)/g, '$1') ?? token) ?? 'utf-8';
  }
  return 'utf-8';
}

/** The type without its parameters, in lower case. */
export function essenceOf(type: string | null): string | null {
  return type === null ? null : type.split(';', 1)[0].trim().toLowerCase();
}

/** An option that names a charset. Throws `InvalidOptionError` if nobody knows it. */
export function encodingOf(label: string | null | undefined): string | undefined {
  if (label == null) return undefined;
  const encoding = typeof label === 'string' ? labelled(label) : undefined;
  if (encoding === undefined) throw new InvalidOptionError('encoding', label, 'a name of the Encoding Standard');
  return encoding;
}

/** The charset that a byte order mark at the start stands for, undefined if there is none. */
export function byteOrderMarkOf(bytes: Uint8Array, start: number, end: number): string | undefined {
  const [first, second, third] = [bytes[start], bytes[start + 1], bytes[start + 2]];
  if (end - start >= 2 && first === 0xfe && second === 0xff) return 'utf-16be';
  if (end - start >= 2 && first === 0xff && second === 0xfe) return 'utf-16le';
  return end - start >= 3 && first === 0xef && second === 0xbb && third === 0xbf ? 'utf-8' : undefined;
}

function labelled(label: string): string | undefined {
  // The usual one: a decoder costs as much as all the rest.
  if (/^utf-?8$/i.test(label)) return 'utf-8';
  try {
    return new TextDecoder(label).encoding;
  } catch {
    return undefined;
  }
}
