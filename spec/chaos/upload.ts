import { Readable } from 'node:stream';
import { finalize, from, interval, map, Observable, take } from 'rxjs';
import type { BodySource, RequestBody } from 'rxjs-http-pool';
import { payload, type PayloadKind } from './payload.js';
import type { UploadPlan } from './scenario.js';

/** Streams that were opened for uploads and have not ended, or been ended, yet. */
export const openSources = { count: 0 };

const chunk = 48 * 1024;

export function kindOf(plan: UploadPlan | undefined): PayloadKind {
  return plan?.kind === 'string' ? 'text' : 'bytes';
}

/** The body of an attempt. Streams count themselves as open from their first read to their end, whoever makes that. */
export function uploadOf(attempt: number, plan: UploadPlan): RequestBody {
  const bytes = payload(attempt, plan.size, kindOf(plan));
  switch (plan.kind) {
    case 'string':
      return bytes.toString('latin1');
    case 'bytes':
      return bytes;
    case 'readable':
      return readable(bytes, plan.pace);
    case 'iterable':
      return chunks(bytes, plan.pace);
    case 'observable':
      return observable(bytes, plan.pace);
    case 'made bytes':
      return (): BodySource => bytes;
    case 'made readable':
      return (): BodySource => readable(bytes, plan.pace);
    case 'made iterable':
      return (): BodySource => chunks(bytes, plan.pace);
  }
}

async function* chunks(bytes: Buffer, pace: number): AsyncGenerator<Uint8Array> {
  openSources.count++;
  try {
    for (let at = 0; at < bytes.length; at += chunk) {
      if (pace > 0) await new Promise(resolve => setTimeout(resolve, pace));
      yield bytes.subarray(at, at + chunk);
    }
  } finally {
    openSources.count--;
  }
}

function readable(bytes: Buffer, pace: number): Readable {
  let at = 0;
  let open = false;
  return new Readable({
    read() {
      if (!open) openSources.count++;
      open = true;
      const next = bytes.subarray(at, (at += chunk));
      const push = (): void => void this.push(next.length === 0 ? null : next);
      if (pace > 0) setTimeout(push, pace);
      else push();
    },
    destroy(error, callback) {
      if (open) openSources.count--;
      callback(error);
    },
  });
}

function observable(bytes: Buffer, pace: number): Observable<Uint8Array> {
  const count = Math.ceil(bytes.length / chunk);
  const piece = (i: number): Uint8Array => bytes.subarray(i * chunk, (i + 1) * chunk);
  return new Observable<Uint8Array>(subscriber => {
    openSources.count++;
    const all$ =
      pace > 0 ? interval(pace).pipe(take(count), map(piece)) : from(Array.from({ length: count }, (_, i) => piece(i)));
    return all$.pipe(finalize(() => openSources.count--)).subscribe(subscriber);
  });
}
