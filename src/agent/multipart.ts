import { randomUUID } from 'node:crypto';
import type { BodyChunk } from '../protocol/index.js';
import { HTTPHeaders } from '../wire/index.js';
import type { Body } from './Body.js';

/** A form as `multipart/form-data` (RFC 7578), its length known, its files streamed, and replayable. */
export function multipart(form: FormData): Body {
  // Unguessable: a part that contained the boundary could end itself and begin another.
  const boundary = `----form-${randomUUID()}`;
  const parts: { readonly head: string; readonly content: string | Blob }[] = [];
  let length = 0;
  for (const [name, value] of form as unknown as Iterable<[string, string | File]>) {
    let head = `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(name)}"`;
    if (typeof value !== 'string') {
      head += `; filename="${quoted(String(value.name))}"\r\nContent-Type: ${safeType(String(value.type))}`;
    }
    head += '\r\n\r\n';
    const content = typeof value === 'string' ? value.replace(/\r\n|\r|\n/g, '\r\n') : value;
    length += Buffer.byteLength(head) + (typeof content === 'string' ? Buffer.byteLength(content) : content.size) + 2;
    parts.push({ head, content });
  }
  const tail = `--${boundary}--\r\n`;
  length += Buffer.byteLength(tail);
  const headers = HTTPHeaders.from({
    'Content-Type': `multipart/form-data; boundary=${boundary}`,
    'Content-Length': String(length),
  });
  async function* body(): AsyncGenerator<BodyChunk> {
    for (const { head, content } of parts) {
      yield head;
      if (typeof content === 'string') yield content;
      else yield* content.stream() as unknown as AsyncIterable<Uint8Array>;
      yield '\r\n';
    }
    yield tail;
  }
  return { body, headers };
}

/** The three characters that could end a quoted name, as browsers escape them (HTML, multipart/form-data encoding). */
function quoted(name: string): string {
  return name.replace(/[\r\n"]/g, match => (match === '"' ? '%22' : match === '\r' ? '%0D' : '%0A'));
}

/** A type that is none is not let into the head of a part, where it could write lines of its own. */
function safeType(type: string): string {
  return /^[\x20-\x7e]+$/.test(type) ? type : 'application/octet-stream';
}
