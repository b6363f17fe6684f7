import { member } from '../errors/index.js';
import type { IncomingBody, ProtocolResponse } from '../protocol/index.js';

/** An error that we made of a response says which request it is about, if the response knows. */
export function explained<E>(response: ProtocolResponse, error: E): E {
  return member(response as { incoming?: IncomingBody }, 'incoming')?.explained(error) ?? error;
}
