import { InvalidRequestError, own, textOf } from '../errors/index.js';
import type { BodySource, RequestBody } from '../protocol/index.js';
import { HTTPHeaders } from '../wire/index.js';
import type { Body } from './Body.js';
import { multipart } from './multipart.js';

/** What an agent takes for a body, beside what a protocol does. */
export type AgentBody = RequestBody | URLSearchParams | Blob | FormData | ArrayBuffer | ArrayBufferView;

/** The body of a request in one of three forms, of which at most one is given. */
export interface HTTPBodyInit {
  readonly body?: AgentBody | null;
  /** A value that is sent as JSON. */
  readonly json?: unknown;
  /** Fields that are sent as `application/x-www-form-urlencoded`. */
  readonly form?: URLSearchParams | Readonly<Record<string, string | number | boolean>>;
}

const none: Body = { body: null, headers: HTTPHeaders.empty };
const jsonHeaders = HTTPHeaders.from({ 'Content-Type': 'application/json' });
const formHeaders = HTTPHeaders.from({ 'Content-Type': 'application/x-www-form-urlencoded;charset=UTF-8' });
const textHeaders = HTTPHeaders.from({ 'Content-Type': 'text/plain;charset=UTF-8' });

/** The one body among `body`, `json` and `form`, as a protocol takes it. Throws `InvalidRequestError`. */
export function bodyOf(init: HTTPBodyInit): Body {
  const body = own(init, 'body');
  const json = own(init, 'json');
  const form = own(init, 'form') ?? undefined;
  if ((body != null ? 1 : 0) + (json !== undefined ? 1 : 0) + (form !== undefined ? 1 : 0) > 1) {
    throw new InvalidRequestError('body', 'A request has one of body, json and form');
  }
  if (json !== undefined) return { body: stringify(json), headers: jsonHeaders };
  if (form !== undefined) return { body: encodeForm(form), headers: formHeaders };
  return body == null ? none : convert(body);
}

function stringify(json: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(json);
  } catch (cause) {
    throw new InvalidRequestError('json', `The value cannot be sent as JSON: ${textOf(cause)}`, { cause });
  }
  if (text === undefined) throw new InvalidRequestError('json', `A ${typeof json} cannot be sent as JSON`);
  return text;
}

function encodeForm(form: NonNullable<HTTPBodyInit['form']>): string {
  if (form instanceof URLSearchParams) return form.toString();
  if (typeof form !== 'object') throw new InvalidRequestError('form', `A form must be an object, not a ${typeof form}`);
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(form)) params.append(name, String(value));
  return params.toString();
}

function convert(body: AgentBody): Body {
  if (typeof body === 'string') return { body, headers: textHeaders };
  if (body instanceof URLSearchParams) return { body: body.toString(), headers: formHeaders };
  if (body instanceof Blob) {
    const headers: Record<string, string> = { 'Content-Length': String(body.size) };
    if (body.type !== '') headers['Content-Type'] = body.type;
    return { body: () => streamOf(body), headers: HTTPHeaders.from(headers) };
  }
  if (body instanceof FormData) return multipart(body);
  if (body instanceof ArrayBuffer) return { body: new Uint8Array(body), headers: HTTPHeaders.empty };
  if (ArrayBuffer.isView(body)) {
    const { buffer, byteOffset, byteLength } = body;
    return { body: new Uint8Array(buffer, byteOffset, byteLength), headers: HTTPHeaders.empty };
  }
  return { body, headers: HTTPHeaders.empty };
}

/** A blob's stream: Node's is an AsyncIterable, though its type does not say so. */
export function streamOf(blob: Blob): BodySource {
  return blob.stream();
}
