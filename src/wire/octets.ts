// Lookup tables: one load a byte instead of a chain of comparisons, and the grammar in one place.

function table(member: (octet: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, octet) => (member(octet) ? 1 : 0));
}

const isAlpha = (octet: number) => (octet | 0x20) >= 0x61 && (octet | 0x20) <= 0x7a;
const isDigit = (octet: number) => octet >= 0x30 && octet <= 0x39;

/** `tchar` of RFC 9110 section 5.6.2. */
export const isToken = table(
  octet => isDigit(octet) || isAlpha(octet) || "!#$%&'*+-.^_`|~".includes(String.fromCharCode(octet)),
);

/** What a field value or a reason phrase may hold: HTAB, SP, VCHAR, obs-text (RFC 9110 section 5.5). */
export const isFieldOctet = table(octet => octet === 0x09 || (octet >= 0x20 && octet !== 0x7f));

/** The value of a hexadecimal digit, 255 for any other octet. */
export const hexValue = Uint8Array.from({ length: 256 }, (_, octet) =>
  isDigit(octet) ? octet - 0x30 : (octet | 0x20) >= 0x61 && (octet | 0x20) <= 0x66 ? (octet | 0x20) - 0x57 : 255,
);

export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;
export const EQUALS = 0x3d;
export const BACKSLASH = 0x5c;

export const noBytes = new Uint8Array(0);

/** The octets of a lower-case ASCII literal, for `matches`. */
export function octets(literal: string): Uint8Array {
  return Uint8Array.from(literal, character => character.charCodeAt(0));
}

/**
 * Whether the bytes from `start` are `literal`, letters compared without case.
 *
 * `| 0x20` is exact for the literals used here (letters and `-`): within what a field name or value may hold,
 * nothing but the two cases of a letter maps to that letter, and nothing but `-` to `-`.
 */
export function matches(bytes: Uint8Array, start: number, literal: Uint8Array): boolean {
  for (let i = 0; i < literal.length; i++) {
    if ((bytes[start + i] | 0x20) !== literal[i]) {
      return false;
    }
  }
  return true;
}

type Slice = (this: Uint8Array, start: number, end: number) => string;
const { latin1Slice, utf8Slice } = Buffer.prototype as unknown as { latin1Slice: Slice; utf8Slice: Slice };

/** The text of a range of bytes. Called on the prototype so that any Uint8Array will do, with no Buffer made for it. */
export function latin1(bytes: Uint8Array, start: number, end: number): string {
  return latin1Slice.call(bytes, start, end);
}

/** The same for UTF-8; what is malformed becomes U+FFFD, and a byte order mark stays. */
export function utf8(bytes: Uint8Array, start: number, end: number): string {
  return utf8Slice.call(bytes, start, end);
}
