export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  /** Names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  /** Head and body are whole: a server would act on it. */
  readonly complete: boolean;
}

/** What a server that believes what it reads makes of the bytes of a connection; it throws at what it cannot make out. */
export function readRequests(bytes: Buffer): SeenRequest[] {
  const requests: SeenRequest[] = [];
  let rest = bytes.toString('latin1');
  while (rest !== '') {
    const blank = rest.indexOf('\r\n\r\n');
    if (blank < 0) return [...requests, { method: '', path: '', headers: [], body: rest, complete: false }];
    const [line, ...fields] = rest.slice(0, blank).split('\r\n');
    const [method, path, version, ...more] = line.split(' ');
    if (version !== 'HTTP/1.1' || more.length > 0) throw new Error(`No request line: ${line}`);
    const headers = fields.map((field): readonly [string, string] => {
      const colon = field.indexOf(': ');
      if (colon < 1) throw new Error(`No field: ${field}`);
      return [field.slice(0, colon).toLowerCase(), field.slice(colon + 2)];
    });
    rest = rest.slice(blank + 4);
    const { body, taken, complete } = bodyOf(headers, rest);
    rest = rest.slice(taken);
    requests.push({ method, path, headers, body, complete });
    // What follows an unfinished request, or an offer to leave HTTP, is no request.
    if (!complete || method === 'CONNECT' || headers.some(([name]) => name === 'upgrade')) break;
  }
  return requests;
}

type Body = { readonly body: string; readonly taken: number; readonly complete: boolean };

function bodyOf(headers: SeenRequest['headers'], rest: string): Body {
  const lengths = headers.filter(([name]) => name === 'content-length');
  const codings = headers.filter(([name]) => name === 'transfer-encoding');
  if (lengths.length + codings.length > 1) throw new Error('Two framings');
  if (lengths.length === 1) {
    const length = Number(lengths[0][1]);
    return { body: rest.slice(0, length), taken: Math.min(length, rest.length), complete: rest.length >= length };
  }
  if (codings.length === 0) return { body: '', taken: 0, complete: true };
  if (codings[0][1] !== 'chunked') throw new Error(`Unknown coding: ${codings[0][1]}`);
  let body = '';
  let at = 0;
  while (true) {
    const end = rest.indexOf('\r\n', at);
    if (end < 0) return { body, taken: rest.length, complete: false };
    const size = parseInt(rest.slice(at, end), 16);
    if (Number.isNaN(size)) throw new Error(`No chunk size: ${rest.slice(at, end)}`);
    at = end + 2;
    body += rest.slice(at, at + size);
    if (rest.length < at + size + 2) return { body, taken: rest.length, complete: false };
    if (rest.slice(at + size, at + size + 2) !== '\r\n') throw new Error('A chunk without end');
    at += size + 2;
    if (size === 0) return { body, taken: at, complete: true };
  }
}
