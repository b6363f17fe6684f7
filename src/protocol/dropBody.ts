import type { ProtocolResponse } from './ProtocolResponse.js';

/**
 * Gets rid of a body that nobody will read, as of a response that is not delivered: a short rest is drained, and the
 * connection goes on; else it is destroyed. Never fails.
 */
export function dropBody(response: Pick<ProtocolResponse, 'body'>): void {
  try {
    response.body.subscribe({ next: ignore, error: ignore, complete: ignore }).unsubscribe();
  } catch {
    // One that somebody made up may have no body.
  }
}

function ignore(): void {}
