import { from } from 'rxjs';
import { BodyLengthMismatchError, InvalidRequestError } from '../../src/errors/index.js';
import type { RequestBody } from '../../src/protocol/index.js';
import { chunkHead, HTTPHeaders, lastChunk, serializeRequestHead, type RequestFraming } from '../../src/wire/index.js';
import { turns } from '../loopback/until.js';
import { className, openConnection, record } from '../support/index.js';
import { judgeRequest, type WantedRequest } from './judgeRequest.js';
import { Random } from './Random.js';
import { headersIn, pairsOf, randomRequest, type PlayedBody, type RequestPlay } from './RequestPlay.js';
import { nodeParserClass } from './readLlhttp.js';
import { RequestReader } from './readRequest.js';
import type { Found, Tally } from './Tally.js';

const octets = (text: string): Uint8Array => Buffer.from(text, 'latin1');

/** Asks for requests in every shape there is, and reads what is written with the parser of Node's server. */
export class RequestExaminer {
  constructor(private readonly reader: RequestReader) {}

  static async make(): Promise<RequestExaminer> {
    return new RequestExaminer(new RequestReader(await nodeParserClass()));
  }

  async examineAll(plays: readonly RequestPlay[], tally?: Tally): Promise<(string | undefined)[]> {
    const later = plays.map((play, i) => (i % sent === 0 ? this.#send(play, tally) : undefined));
    await turns(4);
    return plays.map((play, i) => {
      if (tally !== undefined) tally.executions++;
      return this.#serialize(play, tally) ?? later[i]?.();
    });
  }

  /** The serialiser alone. */
  #serialize(play: RequestPlay, tally?: Tally): string | undefined {
    const headers = this.#headers(play);
    if (headers === undefined) return undefined;
    const { body } = play;
    const framing = framingOf(body);
    const wanted = judgeRequest({
      ...play,
      pairs: pairsOf(headers.init),
      body: framing.kind === 'none' ? undefined : { length: framing.kind === 'length' ? framing.length : undefined },
    });
    // A stream of unknown length goes in chunks; the length that is declared for it is the protocol's business.
    const declared =
      framing.kind === 'chunked' &&
      pairsOf(headers.init).some(([name]) => String(name).toLowerCase() === 'content-length');
    let text: string;
    try {
      const head = serializeRequestHead({ ...play, headers: HTTPHeaders.from(headers.init), framing });
      text = head + bodyText(framing, body.chunks);
    } catch (error) {
      tally?.count('refused');
      if (!(error instanceof InvalidRequestError)) return `refused with an error of ours, not ${String(error)}`;
      return typeof wanted === 'string' || declared ? undefined : `nothing legal is refused: ${error.message}`;
    }
    tally?.count('written');
    if (typeof wanted === 'string') return `nothing illegal is written (${wanted})`;
    return this.#compare(wanted, body.chunks.join(''), Buffer.from(text, 'latin1'), text);
  }

  /** The same through a connection, which decides the framing from the body; to be asked again when the loop has turned. */
  #send(play: RequestPlay, tally?: Tally): () => string | undefined {
    const headers = this.#headers(play);
    if (headers === undefined) return () => undefined;
    const pairs = pairsOf(headers.init);
    const { kind, chunks } = play.body;
    const known = kind === 'bytes' || kind === 'factory';
    const length = chunks.join('').length;
    const stream = kind === 'iterable' || kind === 'observable';
    const declared = pairs.find(([name]) => String(name).toLowerCase() === 'content-length')?.[1];
    // Of a stream the declared length counts, and is held against what comes.
    const wanted = judgeRequest({
      ...play,
      absoluteForm: false,
      pairs,
      body: kind === 'none' ? undefined : { length: known ? length : undefined },
    });
    const stage = openConnection({ authority: play.host, persistent: play.persistent });
    const seen = record(
      stage.connection.request({
        method: play.method,
        path: play.path,
        headers: headers.init,
        body: bodyIn(play.body),
      }),
    );
    return () => {
      const { transport } = stage;
      const illegal = typeof wanted === 'string' || kind === 'junk';
      const written = Buffer.concat(transport.writes);
      const { state } = stage;
      const { error } = seen;
      stage.connection.close();
      tally?.count(`sent: ${error === undefined ? 'written' : (error as Error).constructor.name}`);
      if (illegal) {
        if (!(error instanceof InvalidRequestError))
          return `the connection refuses what is illegal (${typeof wanted === 'string' ? wanted : kind})`;
        if (written.length > 0) return 'nothing is written of a request that is refused';
        return state === 'quiescent' ? undefined : `the connection is as good as before, but ${state}`;
      }
      if (stream && declared !== undefined && Number(declared) !== length) {
        const { requests } = this.#ask(play.method, written);
        if (!(error instanceof BodyLengthMismatchError))
          return `a body of another length is an error, not ${className(error)}`;
        return requests.some(({ complete }) => complete) ? 'no server takes a broken request for whole' : undefined;
      }
      if (error !== undefined) return `nothing legal is refused: ${(error as Error).message}`;
      return this.#compare(wanted, chunks.join(''), written, written.toString('latin1'));
    };
  }

  /** Node's server knows only some methods: another is put in the place of those that it does not. */
  #ask(method: string, bytes: Buffer): ReturnType<RequestReader['read']> {
    return this.reader.read(
      this.reader.knows(method) ? bytes : Buffer.concat([Buffer.from('REPORT'), bytes.subarray(method.length)]),
    );
  }

  #headers(play: RequestPlay): { readonly init: Parameters<typeof HTTPHeaders.from>[0] & object } | undefined {
    try {
      const init = headersIn(play, each => HTTPHeaders.from(each));
      return init === null ? undefined : { init };
    } catch {
      // Only HTTPHeaders refuses by itself: then the pairs are looked at as pairs.
      return { init: play.fields as [string, string][] };
    }
  }

  #compare(wanted: WantedRequest, body: string, bytes: Buffer, text: string): string | undefined {
    if (Buffer.compare(bytes, Buffer.from(text, 'latin1')) !== 0) return 'what is written is latin1';
    const { method } = wanted;
    if (!text.startsWith(`${method} `)) return 'the request begins with its method';
    const probe = wanted.leaves || wanted.closes ? '' : 'GET /probe HTTP/1.1\r\nHost: a\r\n\r\n';
    const { requests, error, rest } = this.#ask(method, Buffer.concat([bytes, Buffer.from(probe)]));
    if (error !== '' || rest !== '') return `Node's server reads it: ${error} ${JSON.stringify(text)}`;
    const [read, next] = requests;
    if (requests.length !== (probe === '' ? 1 : 2)) {
      return `one request is one to the server: with ${probe === '' ? 'none' : 'one'} behind it ${requests.length} are read`;
    }
    if (probe !== '' && (next.path !== '/probe' || !next.complete)) return 'the next request begins behind it';
    const got = JSON.stringify([
      this.reader.knows(method) ? read.method : method,
      read.path,
      read.fields,
      read.body,
      read.complete,
    ]);
    const due = JSON.stringify([
      method,
      wanted.path,
      wanted.fields,
      wanted.leaves && method === 'CONNECT' ? '' : body,
      true,
    ]);
    return got === due ? undefined : `Node's server reads what was asked for: ${got}, not ${due}`;
  }
}

function framingOf({ kind, chunks }: PlayedBody): RequestFraming {
  if (kind === 'none' || kind === 'junk') return { kind: 'none' };
  if (kind === 'bytes' || kind === 'factory') return { kind: 'length', length: chunks.join('').length };
  return { kind: 'chunked' };
}

function bodyText({ kind }: RequestFraming, chunks: readonly string[]): string {
  if (kind === 'none') return '';
  if (kind === 'length') return chunks.join('');
  const parts = chunks.filter(chunk => chunk !== '').map(chunk => `${chunkHead(chunk.length)}${chunk}\r\n`);
  return parts.join('') + lastChunk;
}

function bodyIn({ kind, chunks }: PlayedBody): RequestBody | undefined {
  switch (kind) {
    case 'none':
      return undefined;
    case 'bytes':
      return octets(chunks.join(''));
    case 'factory':
      return () => octets(chunks.join(''));
    case 'iterable':
      return (async function* () {
        for (const chunk of chunks) yield octets(chunk);
      })();
    case 'observable':
      return from(chunks.map(octets));
    case 'junk':
      return 5 as unknown as RequestBody;
  }
}

/** One in so many goes through a whole connection, too. */
const sent = 10;
const batch = 200;

export async function searchRequests(
  examiner: RequestExaminer,
  seed: number,
  runs: number,
  tally?: Tally,
): Promise<Found<RequestPlay> | null> {
  const random = new Random(seed);
  for (let at = 0; at < runs; at += batch) {
    const plays = Array.from({ length: Math.min(batch, runs - at) }, () => randomRequest(random));
    const broken = await examiner.examineAll(plays, tally);
    const i = broken.findIndex(what => what !== undefined);
    if (i >= 0) return { runs: at + i + 1, what: broken[i]!, play: plays[i] };
  }
  return null;
}
