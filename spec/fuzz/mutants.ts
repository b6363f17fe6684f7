import type { Mutation } from '../support/bundle.js';
import type { Kind } from './campaign.js';

/** A bug put into the library, to see after how many executions it is found. */
export interface Mutant {
  readonly name: string;
  readonly kind: Kind;
  readonly mutation: Mutation;
}

export const mutants: readonly Mutant[] = [
  {
    name: 'Content-Length may come twice',
    kind: 'responses',
    mutation: { file: 'wire/FramingFields.ts', from: "this.fault ??= 'Content-Length is there twice';", to: '' },
  },
  {
    name: 'Content-Length may stand beside Transfer-Encoding, if that comes last',
    kind: 'responses',
    mutation: {
      file: 'wire/FramingFields.ts',
      from: 'this.coded = true;\n    if (this.contentLength !== -1) {',
      to: 'this.coded = true;\n    if (this.contentLength > 1e6) {',
    },
  },
  {
    name: 'close is found within another option',
    kind: 'responses',
    mutation: {
      file: 'wire/FramingFields.ts',
      from: 'if (end - start === closeOption.length && matches(bytes, start, closeOption)) {',
      to: 'if (end - start >= closeOption.length && matches(bytes, start, closeOption)) {',
    },
  },
  {
    name: 'a line feed may stand in a field value',
    kind: 'responses',
    mutation: {
      file: 'wire/HeadParser.ts',
      from: "if (bytes[pos] !== CR) fail('a control character in a field value');",
      to: "if (bytes[pos] === LF) { pos++; break; } else if (bytes[pos] !== CR) fail('a control character in a field value');",
    },
  },
  {
    name: 'where a value begins is forgotten when the head is cut there',
    kind: 'responses',
    mutation: { file: 'wire/HeadParser.ts', from: 'this.valueStart -= start;', to: '' },
  },
  {
    name: 'chunk data need not be followed by CR',
    kind: 'responses',
    mutation: {
      file: 'wire/ChunkedDecoder.ts',
      from: "expect(chunk[pos++], CR, 'chunk data not followed by CRLF');",
      to: 'pos++;',
    },
  },
  {
    name: 'the digits of the last response count for the next',
    kind: 'responses',
    mutation: {
      file: 'wire/ChunkedDecoder.ts',
      from: 'this.remaining = 0;\n    this.digits = 0;\n    this.extensions',
      to: 'this.extensions',
    },
  },
  {
    name: 'a body that was cut is whole',
    kind: 'responses',
    mutation: {
      file: 'wire/ResponseParser.ts',
      from: "case 'close':\n      case 'ending':\n        this.mode",
      to: "case 'close':\n      case 'length':\n      case 'ending':\n        this.mode",
    },
  },
  {
    name: 'an answer to HEAD has a body',
    kind: 'responses',
    mutation: {
      file: 'wire/ResponseParser.ts',
      from: "this.method === 'HEAD' || status === 204",
      to: 'status === 204',
    },
  },
  {
    name: 'upper-case digits of a chunk size are off by one',
    kind: 'responses',
    mutation: {
      file: 'wire/octets.ts',
      from: '(octet | 0x20) - 0x57 : 255',
      to: '(octet | 0x20) - 0x57 + (octet & 0x20 ? 0 : 1) : 255',
    },
  },
  {
    name: 'what comes behind a response does not matter',
    kind: 'clients',
    mutation: {
      file: 'protocol/ResponseReader.ts',
      from: 'parser.persistent && parser.position === parser.end',
      to: 'parser.persistent',
    },
  },
  {
    name: 'a reset is taken for the end of a body',
    kind: 'clients',
    mutation: {
      file: 'protocol/HTTP11ClientProtocol.ts',
      from: "if (this.#exchange === exchange) this.#fail(exchange, this.#lossError(exchange, error), 'lost');\n    } else",
      to: "if (this.#exchange === exchange) { if (this.#reader.remaining < 0 && exchange.head !== null) this.#completeByEnd(exchange); else this.#fail(exchange, this.#lossError(exchange, error), 'lost'); }\n    } else",
    },
  },
  {
    name: 'a view is kept past its call',
    kind: 'clients',
    mutation: { file: 'protocol/ResponseReader.ts', from: 'exchange.body?.settle();\n    if', to: 'if' },
  },
  {
    name: 'any character may stand in a value',
    kind: 'requests',
    mutation: { file: 'wire/fieldText.ts', from: 'if (beyondValue.test(value)) {', to: 'if (value.length > 1e6) {' },
  },
  {
    name: 'a declared length need not fit the body',
    kind: 'requests',
    mutation: { file: 'wire/serializeRequestHead.ts', from: '(contentLength !== length || method', to: '(method' },
  },
  {
    name: 'the target is not looked at',
    kind: 'requests',
    mutation: { file: 'wire/serializeRequestHead.ts', from: 'originForm.test(path) ||', to: "path.startsWith('/') ||" },
  },
  {
    name: 'chunk sizes are decimal',
    kind: 'requests',
    mutation: { file: 'wire/chunk.ts', from: 'length.toString(16)', to: 'length.toString(10)' },
  },
  {
    name: 'two Host fields',
    kind: 'requests',
    mutation: { file: 'wire/RequestFields.ts', from: 'if (host !== undefined) {', to: "if (host === 'twice') {" },
  },
];
