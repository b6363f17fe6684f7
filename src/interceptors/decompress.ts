import { map } from 'rxjs';
import {
  acceptEncoding,
  decoded,
  decompressLimits,
  type DecompressOptions,
  type HTTPInterceptor,
} from '../agent/index.js';

/**
 * Asks for encoded bodies and undoes gzip, x-gzip, deflate, br, and zstd from Node 24 on: for an agent that was made with
 * `decompress: false`, to put it in another place. By default the agent does this itself, inside all interceptors.
 *
 * Errors: the body's, `ContentDecodingError` for one that is not what it says it is, ends too early, or passes a limit;
 * the request's for more than five codings. See `DecompressOptions` for the limits.
 *
 * @example
 * const agent = new Agent({ decompress: false, interceptors: [decompress({ maxBytes: 10_000_000 })] });
 */
export function decompress(options: DecompressOptions = {}): HTTPInterceptor {
  const limits = decompressLimits({ decompress: options })!;
  return (request, next) => {
    const { headers } = request;
    const asks = headers.has('accept-encoding');
    const value = headers.has('range') ? 'identity' : acceptEncoding;
    return next(asks ? request : request.with({ headers: { 'Accept-Encoding': value } })).pipe(
      map(response => decoded(response, limits)),
    );
  };
}
