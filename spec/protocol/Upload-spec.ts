import { describe, expect, it } from '@jest/globals';
import { Observable } from 'rxjs';
import { openConnection } from '../support/index.js';

describe('An upload that the server refuses at once', () => {
  it('is not begun if the answer came from inside the write of the head', () => {
    const refusal = 'HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\n\r\n';
    let subscribed = false;
    const body = new Observable<string>(() => {
      subscribed = true;
    });
    const { request, transport } = openConnection({ onWrite: (_bytes, peer) => peer.respond(refusal) });
    expect(request({ method: 'POST', body }).values[0].status).toBe(413);
    expect(subscribed).toBe(false);
    expect(transport.writes.length).toBe(1);
  });
});
