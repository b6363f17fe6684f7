import { ContentDecodingError } from '../errors/index.js';
import { dropBody } from '../protocol/index.js';
import { listElements } from '../wire/index.js';
import { codings } from './codings.js';
import { DecodedBody } from './DecodedBody.js';
import type { DecompressLimits } from './DecompressOptions.js';
import { AgentResponse, type HTTPResponse } from './HTTPResponse.js';

/** A longer list of codings is an attack: each may multiply the length (CVE-2022-32206 and its like). */
const maxCodings = 5;

/**
 * The response with its content codings undone, the last that was applied first, up to one that is unknown. Its
 * Content-Encoding tells what is left, and its Content-Length, which was that of the encoded form, is gone.
 *
 * A part of an encoded body (206) cannot be decoded, and one without a body says what a GET would have had: they are
 * left as they are. Throws `ContentDecodingError` for more than five codings; the body is let go.
 */
export function decoded(response: HTTPResponse, limits: DecompressLimits): HTTPResponse {
  if (!(response instanceof AgentResponse)) return response; // somebody made it up
  const field = response.headers.get('content-encoding');
  if (field === null) return response;
  const { status, request } = response;
  if (request.method === 'HEAD' || status === 204 || status === 206 || status === 304) return response;
  const names = listElements(field);
  if (names.length > maxCodings) {
    dropBody(response);
    throw new ContentDecodingError(`The response has ${names.length} content codings, and not at most ${maxCodings}`);
  }
  let body = response.source;
  while (names.length > 0 && (names.at(-1) === 'identity' || codings.has(names.at(-1)!))) {
    const name = names.pop()!;
    if (name !== 'identity') body = new DecodedBody(body, name, limits).body;
  }
  if (body === response.source) return response;
  const headers = response.headers.without('content-length', 'content-encoding');
  return response.derive(
    { headers: names.length === 0 ? headers : headers.with({ 'Content-Encoding': names.join(', ') }) },
    body,
  );
}
