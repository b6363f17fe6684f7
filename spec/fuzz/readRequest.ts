import { METHODS } from 'node:http';
import type { NodeParser, NodeParserClass } from './readLlhttp.js';

/** What `node:http`'s server reads. */
export interface ReadRequest {
  method: string;
  path: string;
  fields: string[];
  body: string;
  complete: boolean;
}

/** The parser of Node's server. */
export class RequestReader {
  readonly #parser: NodeParser;
  readonly #methods = new Map<unknown, string>();
  #seen: ReadRequest[] = [];
  #pending: string[] = [];
  #method: unknown = null;
  #path = '';

  constructor(private readonly types: NodeParserClass) {
    const parser = (this.#parser = new types());
    parser[types.kOnHeaders] = (fields: string[], path: string) => {
      this.#pending.push(...fields);
      this.#path += path;
    };
    parser[types.kOnHeadersComplete] = (
      _major: number,
      _minor: number,
      fields: string[] | undefined,
      method: unknown,
      path: string,
    ) => {
      this.#method = method;
      const all = this.#pending.concat(fields ?? []);
      this.#seen.push({
        method: this.#methods.get(method) ?? '',
        path: this.#path + (path ?? ''),
        fields: all,
        body: '',
        complete: false,
      });
      this.#pending = [];
      this.#path = '';
      return 0;
    };
    parser[types.kOnBody] = (bytes: Buffer) => void (this.#seen.at(-1)!.body += bytes.toString('latin1'));
    parser[types.kOnMessageComplete] = () => void (this.#seen.at(-1)!.complete = true);
    // Methods are told by number.
    for (const name of METHODS) {
      this.read(Buffer.from(`${name} ${name === 'CONNECT' ? 'a:1' : '/'} HTTP/1.1\r\nHost: a\r\n\r\n`));
      if (this.#seen.length === 1) this.#methods.set(this.#method, name);
    }
  }

  knows(method: string): boolean {
    return [...this.#methods.values()].includes(method);
  }

  /** The requests in the bytes, and why what follows them is none. */
  read(bytes: Buffer): { requests: readonly ReadRequest[]; error: string; rest: string } {
    const { types } = this;
    this.#seen = [];
    this.#pending = [];
    this.#path = '';
    this.#parser.initialize(types.REQUEST, {}, 0, types.kLenientNone);
    const result = this.#parser.execute(bytes);
    const error = typeof result === 'number' ? '' : `${result.code}: ${result.reason}`;
    const taken = typeof result === 'number' ? result : bytes.length;
    return { requests: this.#seen, error, rest: bytes.toString('latin1', taken) };
  }
}
