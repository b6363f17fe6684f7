import { InvalidRequestError } from '../errors/index.js';

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const beyondValue = /[^\t\x20-\x7e\x80-\xff]/;

/**
 * Whether `value` is a token of RFC 9110 section 5.6.2. The type is looked at too: an object could be one thing to the
 * check and another to the wire.
 */
export function isTokenText(value: unknown): value is string {
  return typeof value === 'string' && token.test(value);
}

/** `text` in a message, short and without control characters. */
export function quote(text: unknown): string {
  return typeof text === 'string' ? JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text) : typeof text;
}

/**
 * A field value as it goes on the wire: outer SP and HTAB cut off, everything else kept.
 *
 * Code points above U+00FF are refused and not encoded: cut to latin1, U+010A would become a line feed. The value is
 * not quoted in the message, as it may be a credential.
 */
export function fieldValue(name: string, value: unknown): string {
  if (typeof value !== 'string') {
    throw new InvalidRequestError(name, `The value of header ${name} must be a string, but is ${typeof value}`);
  }
  if (beyondValue.test(value)) {
    throw new InvalidRequestError(
      name,
      `The value of header ${name} holds a character that is not allowed: only HTAB, U+0020-U+007E and U+0080-U+00FF are`,
    );
  }
  return trimWhitespace(value, 0, value.length);
}

/** The part of `text` without SP and HTAB at both ends. `String#trim` would also eat U+00A0, and a regex may be quadratic. */
export function trimWhitespace(text: string, start: number, end: number): string {
  while (start < end && isWhitespace(text.charCodeAt(start))) {
    start++;
  }
  while (end > start && isWhitespace(text.charCodeAt(end - 1))) {
    end--;
  }
  return text.slice(start, end);
}

function isWhitespace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** The elements of a comma-separated list, in lower case, empty ones left out (RFC 9110 section 5.6.1). */
export function listElements(value: string): string[] {
  return value
    .toLowerCase()
    .split(',')
    .map(element => trimWhitespace(element, 0, element.length))
    .filter(element => element !== '');
}
