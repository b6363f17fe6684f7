import type { RequestBody } from '../protocol/index.js';
import type { HTTPHeaders } from '../wire/index.js';

/** A body as a protocol takes it. */
export interface Body {
  readonly body: RequestBody | null;
  /** Headers that the body brings along, unless the request has its own of that name. */
  readonly headers: HTTPHeaders;
}
