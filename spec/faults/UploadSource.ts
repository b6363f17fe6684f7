import { Readable } from 'node:stream';
import { Observable } from 'rxjs';
import type { RequestBody } from '../../src/protocol/index.js';
import type { Cell } from './Cell.js';

const parts = ['one half, ', 'another.'];
/** What a request body says. */
export const uploadedText = parts.join('');

const bulk = Buffer.alloc(2 ** 20, 'u');

/** The body of a cell's request, and whether what makes it was stopped. */
export class UploadSource {
  /** Sources that were begun and not torn down yet. */
  open = 0;
  #begun = 0;

  constructor(private readonly cell: Cell) {}

  get body(): RequestBody | undefined {
    if (this.cell.method === 'POST') return this.#stream();
    if (this.cell.method === 'PUT') return () => this.#observable();
    return undefined;
  }

  /**
   * What is sent before the fault. Of a request whose upload is struck the second half never comes; if it is the silence
   * of the server that strikes it, there is more of it than the system holds.
   */
  #parts(): { readonly chunks: (string | Uint8Array)[]; readonly ends: boolean } {
    const struck = this.cell.phase === 'in the request body' && this.#begun++ === 0;
    if (!struck) return { chunks: [...parts], ends: true };
    if (this.cell.fault === 'stall') return { chunks: Array.from({ length: 24 }, () => bulk), ends: true };
    return { chunks: [parts[0]], ends: false };
  }

  #stream(): Readable {
    const { chunks, ends } = this.#parts();
    let begun = false;
    const opened = (): void => void this.open++;
    return new Readable({
      read: function (this: Readable) {
        if (!begun) opened();
        begun = true;
        const chunk = chunks.shift();
        if (chunk !== undefined) this.push(chunk);
        else if (ends) this.push(null);
      },
      destroy: (error, callback) => {
        if (begun) this.open--;
        callback(error);
      },
    });
  }

  #observable(): Observable<string | Uint8Array> {
    return new Observable(subscriber => {
      const { chunks, ends } = this.#parts();
      this.open++;
      for (const chunk of chunks) subscriber.next(chunk);
      if (ends) subscriber.complete();
      return () => this.open--;
    });
  }
}
