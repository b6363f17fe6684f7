import { InvalidRequestError, member } from '../errors/index.js';
import { fieldValue, isTokenText, quote, trimWhitespace } from './fieldText.js';
import { requestFields, type RequestFields } from './RequestFields.js';

export type HTTPHeadersInit =
  HTTPHeaders | Iterable<readonly [string, string]> | Readonly<Record<string, string | readonly string[] | undefined>>;

/** Fields whose values are not printed: credentials by their names, the usual ones and those that people make up. */
const secrets = /auth|cookie|credential|key|passw|secret|session|signature|token/;

/**
 * The fields of a head or a trailer section: immutable, in the order and the case in which they were given or received.
 *
 * Make one with `HTTPHeaders.from` and pass it to many requests: names and values are checked once, and the text for
 * the wire is made once.
 *
 * Gotcha: names are matched without regard to case everywhere, but kept as they are for iteration and for the wire.
 */
export class HTTPHeaders implements Iterable<[string, string]> {
  static readonly empty: HTTPHeaders = new HTTPHeaders('', []);

  /** A received section, as text; undefined if these headers were made here. */
  readonly #text: string | undefined;
  /** A bit for each length, modulo 32, that a name in `#text` has: most fields that are asked for are not there. */
  readonly #lengths: number;
  #raw: readonly string[] | undefined;
  #fields: RequestFields | undefined = undefined;

  private constructor(text: string | undefined, raw: readonly string[] | undefined, lengths = 0) {
    this.#text = text;
    this.#lengths = lengths;
    // Frozen: what was checked once must still be what goes on the wire.
    this.#raw = raw && Object.freeze(raw);
  }

  /**
   * Headers from pairs (an array, a Map, the `Headers` of fetch), or from an object's own enumerable properties, where
   * an array stands for several fields of one name and undefined for none. Headers are given back as they are.
   *
   * Values lose white space at both ends and are sent as latin1: code points up to U+00FF (RFC 9110 section 5.5).
   *
   * @throws InvalidRequestError, its `field` the header's name, if a name is no token or a value may not be sent.
   */
  static from(init?: HTTPHeadersInit): HTTPHeaders {
    if (init instanceof HTTPHeaders) {
      return init;
    }
    if (init === undefined) {
      return HTTPHeaders.empty;
    }
    if (typeof init !== 'object' || (init as unknown) === null) {
      throw new InvalidRequestError('headers', `Headers must be an object or pairs, but are a ${typeof init}`);
    }
    const raw: string[] = [];
    if (isIterable(init)) {
      addPairs(raw, init);
    } else {
      addProperties(raw, init);
    }
    return raw.length === 0 ? HTTPHeaders.empty : new HTTPHeaders(undefined, raw);
  }

  /**
   * Headers that were received. `text` is the section without its closing empty line, and its grammar has been checked;
   * it is taken apart when somebody first looks. `lengths`: see `#lengths`.
   *
   * @internal
   */
  static parsed(text: string, lengths = ~0): HTTPHeaders {
    return text === '' ? HTTPHeaders.empty : new HTTPHeaders(text, undefined, lengths);
  }

  /**
   * What the request serialiser makes of these headers, worked out once an instance.
   *
   * @internal
   */
  get requestFields(): RequestFields {
    return (this.#fields ??= requestFields(this.raw));
  }

  /** Name, value, name, value, ... as sent or received. */
  get raw(): readonly string[] {
    return (this.#raw ??= Object.freeze(split(this.#text!)));
  }

  /** The number of fields: two of one name count as two. */
  get size(): number {
    return this.raw.length / 2;
  }

  /**
   * The value of the field, null if there is none. Several fields of one name are joined by `, ` (RFC 9110 section 5.3)
   * except Set-Cookie, whose values hold commas: here its first, use `getAll`.
   */
  get(name: string): string | null {
    const values = this.getAll(name);
    return values.length === 0 ? null : values.length === 1 || isSetCookie(name) ? values[0] : values.join(', ');
  }

  /** The value of each field of that name. */
  getAll(name: string): readonly string[] {
    // Most responses are asked for one field or two: that does not take them apart.
    if (this.#raw === undefined) {
      return (this.#lengths & (1 << name.length)) === 0 ? [] : find(this.#text!, name.toLowerCase());
    }
    const wanted = name.toLowerCase();
    const raw = this.#raw;
    const values: string[] = [];
    for (let i = 0; i < raw.length; i += 2) {
      // The length first: it spares nearly all of the case folding.
      if (raw[i].length === wanted.length && raw[i].toLowerCase() === wanted) {
        values.push(raw[i + 1]);
      }
    }
    return values;
  }

  has(name: string): boolean {
    return this.getAll(name).length > 0;
  }

  /** A copy in which the fields of `init` take the place of all fields that have one of their names. */
  with(init: HTTPHeadersInit): HTTPHeaders {
    const added = HTTPHeaders.from(init);
    if (added.size === 0) {
      return this;
    }
    const { raw } = added;
    const kept = this.#rawWithout(raw.filter((_, i) => i % 2 === 0));
    return kept.length === 0 ? added : new HTTPHeaders(undefined, kept.concat(raw));
  }

  /** A copy without the fields of these names. */
  without(...names: string[]): HTTPHeaders {
    const kept = this.#rawWithout(names);
    return kept.length === this.raw.length
      ? this
      : kept.length === 0
        ? HTTPHeaders.empty
        : new HTTPHeaders(undefined, kept);
  }

  *[Symbol.iterator](): IterableIterator<[string, string]> {
    const { raw } = this;
    for (let i = 0; i < raw.length; i += 2) {
      yield [raw[i], raw[i + 1]];
    }
  }

  /** An object with lower-case names and no prototype: fields of one name joined by `, `, Set-Cookie always an array. */
  toJSON(): Record<string, string | string[]> {
    const values = new Map<string, string[]>();
    for (const [name, value] of this) {
      const key = name.toLowerCase();
      const list = values.get(key);
      if (list === undefined) {
        values.set(key, [value]);
      } else {
        list.push(value);
      }
    }
    // Without a prototype `__proto__` is a name like any other.
    const json = Object.create(null) as Record<string, string | string[]>;
    for (const [key, list] of values) {
      json[key] = isSetCookie(key) ? list : list.join(', ');
    }
    return json;
  }

  /** For `console.log`, which cannot see private fields, and shall not see secrets. */
  [Symbol.for('nodejs.util.inspect.custom')](
    _depth: number,
    options: unknown,
    inspect?: (value: unknown, options: unknown) => string,
  ): unknown {
    const shown = this.toJSON();
    for (const name of Object.keys(shown)) if (secrets.test(name)) shown[name] = '(hidden)';
    return inspect === undefined ? shown : `HTTPHeaders ${inspect({ ...shown }, options)}`;
  }

  #rawWithout(names: readonly string[]): string[] {
    const dropped = new Set(names.map(name => name.toLowerCase()));
    const { raw } = this;
    const kept: string[] = [];
    for (let i = 0; i < raw.length; i += 2) {
      if (!dropped.has(raw[i].toLowerCase())) {
        kept.push(raw[i], raw[i + 1]);
      }
    }
    return kept;
  }
}

function isSetCookie(name: string): boolean {
  return name.length === 10 && name.toLowerCase() === 'set-cookie';
}

/** Takes a received section apart: lines of name, colon, value, CRLF. */
function split(text: string): string[] {
  const raw: string[] = [];
  for (let at = 0; at < text.length;) {
    const colon = text.indexOf(':', at);
    const end = text.indexOf('\r', colon);
    raw.push(text.slice(at, colon), trimWhitespace(text, colon + 1, end));
    at = end + 2;
  }
  return raw;
}

/** The value of each field of that name, in lower case, of a received section. */
function find(text: string, wanted: string): string[] {
  const values: string[] = [];
  for (let at = 0; at < text.length;) {
    const end = text.indexOf('\r', at);
    const colon = at + wanted.length;
    // One character first: it spares nearly all of the rest. A colon may also stand in the value of a shorter name.
    if (
      text.charCodeAt(colon) === 0x3a &&
      text.indexOf(':', at) === colon &&
      text.slice(at, colon).toLowerCase() === wanted
    ) {
      values.push(trimWhitespace(text, colon + 1, end));
    }
    at = end + 2;
  }
  return values;
}

/** An iterator on `Object.prototype` is somebody's pollution and does not turn every record into an iterable. */
function isIterable(init: object): init is Iterable<unknown> {
  return typeof member(init as Partial<Iterable<unknown>>, Symbol.iterator) === 'function';
}

function addPairs(raw: string[], init: Iterable<unknown>): void {
  for (const pair of init) {
    if (!Array.isArray(pair) || pair.length !== 2) {
      throw new InvalidRequestError('headers', 'Iterable headers must give pairs of a name and a value');
    }
    addField(raw, pair[0], pair[1]);
  }
}

function addProperties(raw: string[], init: object): void {
  const record = init as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(record)) {
    const value = record[name];
    if (Array.isArray(value)) {
      for (const each of value) {
        addField(raw, name, each);
      }
    } else if (value !== undefined) {
      addField(raw, name, value);
    }
  }
}

function addField(raw: string[], name: unknown, value: unknown): void {
  if (!isTokenText(name)) {
    // What follows a colon is not shown: in a whole line that was given as a name it is the value.
    const shown = typeof name === 'string' ? name.replace(/:.*/s, ':') : '';
    throw new InvalidRequestError(
      shown,
      `A header's name is no token: ${quote(typeof name === 'string' ? shown : name)}`,
    );
  }
  raw.push(name, fieldValue(name, value));
}
