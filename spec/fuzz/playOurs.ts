import type { Observable } from 'rxjs';
import { HTTPClientError } from '../../src/errors/index.js';
import type { ProtocolResponse } from '../../src/protocol/index.js';
import { microtasks, openConnection } from '../support/index.js';
import { newClientReading, segments, type ClientReading, type Scene } from './Exchange.js';
import { BrokenPromise } from './readOurs.js';

/**
 * Plays a scene to our client over a transport that abuses what its contract leaves open. Gives a function that tells
 * what came of it, to be called when the event loop has turned.
 */
export async function playOurs(scene: Scene): Promise<() => ClientReading> {
  const seen = newClientReading();
  const stage = openConnection();
  const { transport, connection } = stage;
  let terminals = 0;
  const request = {
    method: scene.method,
    path: scene.method === 'CONNECT' ? 'example.test:443' : '/',
    ...(scene.upgrade ? { headers: { Upgrade: 'x' } } : {}),
    observer: { informational: ({ status }: { status: number }) => void seen.informational.push(status) },
  };
  const ended = (): void => {
    if (++terminals > 1) throw new BrokenPromise('one outcome');
  };
  connection.request(request).subscribe({
    next: response => received(response, scene, seen),
    error: error => {
      ended();
      refuse(seen, error);
    },
    complete: ended,
  });
  for (const segment of segments(scene)) {
    transport.respond(segment);
    if (scene.pauses) await microtasks();
  }
  if (scene.end !== 'open') {
    await microtasks();
    if (scene.end === 'FIN') transport.fin();
    else transport.reset();
  }
  await microtasks();
  return () => {
    seen.reusable = stage.state === 'quiescent' && !transport.destroyed && !transport.isClosed;
    if (stage.reports.length > 0) throw new BrokenPromise(`nothing to report, but ${String(stage.reports[0])}`);
    const result = { ...seen };
    connection.close();
    return result;
  };
}

function refuse(seen: ClientReading, error: unknown): void {
  if (!(error instanceof HTTPClientError)) throw new BrokenPromise(`an error of ours, but ${String(error)}`);
  seen.outcome = 'error';
  seen.error = `${error.constructor.name}: ${error.message}`;
}

function received(response: ProtocolResponse, { reader }: Scene, seen: ClientReading): void {
  if (seen.outcome !== 'nothing') throw new BrokenPromise('one response');
  seen.status = response.status;
  seen.statusText = response.statusText;
  seen.version = response.httpVersion;
  seen.fields = response.headers.raw;
  if (response.upgrade !== undefined) {
    seen.outcome = 'upgrade';
    response.upgrade.read({
      data: bytes => void (seen.rest += Buffer.from(bytes).toString('latin1')),
      end: () => undefined,
      closed: () => undefined,
    });
    return;
  }
  seen.outcome = 'response';
  response.trailers.subscribe({ next: trailers => (seen.trailers = trailers.raw), error: () => undefined });
  const take = (bytes: Uint8Array): void => {
    if (seen.bodyOutcome !== 'open') throw new BrokenPromise('nothing behind the end of a body');
    seen.body += Buffer.from(bytes).toString('latin1');
  };
  const settle = (outcome: 'complete' | 'error', error?: unknown): void => {
    if (seen.bodyOutcome !== 'open') throw new BrokenPromise('one end of a body');
    seen.bodyOutcome = outcome;
    if (outcome === 'error') seen.error = error instanceof Error ? error.constructor.name : String(error);
  };
  const observe = (body$: Observable<Uint8Array>): void => {
    body$.subscribe({ next: take, error: error => settle('error', error), complete: () => settle('complete') });
  };
  const { body } = response;
  if (reader === 'body') observe(body);
  else if (reader === 'pull') observe(body.pull(async bytes => (await Promise.resolve(), Uint8Array.from(bytes))));
  else
    void iterate(reader === 'iterate' ? body : body.readable(), take).then(
      () => settle('complete'),
      (error: unknown) => settle('error', error),
    );
}

async function iterate(body: AsyncIterable<Uint8Array>, take: (bytes: Uint8Array) => void): Promise<void> {
  for await (const bytes of body) take(bytes);
}
