import type { HTTPHeaders } from '../wire/index.js';
import type { HTTPResponse, RequestTimings } from './HTTPResponse.js';

/** What happens to a request, as `agent.requestEvents` tells it. */
export type HTTPEvent =
  /** The request is written; once per attempt. */
  | { readonly type: 'sent' }
  /** A 1xx response came. */
  | { readonly type: 'informational'; readonly status: number; readonly headers: HTTPHeaders }
  /** `loaded` bytes of the request body are written. */
  | { readonly type: 'uploadProgress'; readonly loaded: number; readonly total?: number | undefined }
  /** The response head is there. Its body must be read, or discarded, for the rest to come. */
  | { readonly type: 'response'; readonly response: HTTPResponse }
  /** `loaded` bytes of the response body are read. */
  | { readonly type: 'downloadProgress'; readonly loaded: number; readonly total?: number | undefined }
  /** The response is complete; the last event. */
  | { readonly type: 'done'; readonly timings: RequestTimings };
