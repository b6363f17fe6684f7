import { targetOf } from '../agent/index.js';
import { InvalidOptionError } from '../errors/index.js';

export interface CredentialOptions {
  /**
   * Where the credentials go: origins, such as `https://api.example`, of which scheme, host and port count. Nowhere else,
   * whoever asks, and whatever a redirect says.
   */
  readonly origins: string | URL | readonly (string | URL)[];
}

/** The origins as `HTTPRequest.target` has them. Throws `InvalidOptionError`. */
export function originsOf(options: CredentialOptions): ReadonlySet<string> {
  const given: unknown = Object.hasOwn(Object(options) as object, 'origins') ? options.origins : undefined;
  const list: readonly unknown[] = Array.isArray(given) ? given : [given];
  try {
    if (list.length === 0) throw new TypeError('none');
    return new Set(list.map(origin => targetOf(origin instanceof URL ? origin.href : (origin as string)).origin));
  } catch {
    throw new InvalidOptionError('origins', given, 'one or more http or https origins');
  }
}
