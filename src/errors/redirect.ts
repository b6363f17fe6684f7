import { HTTPClientError, type HTTPClientErrorCode } from './HTTPClientError.js';

/** A redirect that must not be followed: to no URL, to another scheme than http and https, or from https to http. */
export class RedirectError extends HTTPClientError {
  readonly #response: object;

  constructor(message: string, response: object, code: HTTPClientErrorCode = 'ERR_REDIRECT') {
    super(code, message, { phase: 'receive' });
    this.#response = response;
  }

  /** The redirect itself; its `history` has those before. Kept aside: what prints an error does not print it. */
  get response(): object {
    return this.#response;
  }
}

/** One redirect more than `maxRedirects`: mostly two that lead to each other. */
export class TooManyRedirectsError extends RedirectError {
  constructor(
    readonly limit: number,
    response: object,
  ) {
    super(`More than maxRedirects = ${limit} redirects`, response, 'ERR_TOO_MANY_REDIRECTS');
  }
}
