import { HTTPHeaders } from './HTTPHeaders.js';

export interface ResponseHead {
  readonly status: number;
  readonly statusText: string;
  readonly httpVersion: '1.0' | '1.1';
  readonly headers: HTTPHeaders;
}

export const noHead: ResponseHead = { status: 0, statusText: '', httpVersion: '1.1', headers: HTTPHeaders.empty };

/** How the end of the body is told (RFC 9112 section 6.3). */
export type ResponseFraming = 'none' | 'length' | 'chunked' | 'close';

/** The hints of a Keep-Alive field: seconds that the connection may idle, requests that it may still carry. */
export interface KeepAlive {
  readonly timeout: number | undefined;
  readonly max: number | undefined;
}
