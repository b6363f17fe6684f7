import { ResponseParser } from '../../src/wire/index.js';
import { turns } from '../loopback/until.js';
import { newClientReading, segments, type ClientReading, type Scene } from './Exchange.js';
import { Judge } from './explain.js';
import { playNode } from './playNode.js';
import { playOurs } from './playOurs.js';
import { Random } from './Random.js';
import type { Play, Reading } from './Reading.js';
import { LlhttpReader, nodeParserClass } from './readLlhttp.js';
import { readOurs } from './readOurs.js';
import { randomPlay } from './search.js';
import { shrinkAsync } from './shrink.js';
import type { Found, Tally } from './Tally.js';

const readers = ['body', 'body', 'pull', 'iterate', 'readable'] as const;
const ends = ['open', 'FIN', 'FIN', 'RST'] as const;
/** Scenes that are played side by side: most of what they cost is waiting for the event loop. */
const batch = 64;

export function randomScene(random: Random): Scene {
  const end = random.pick(ends);
  return {
    ...randomPlay(random),
    end,
    endAt: random.oneIn(3) ? random.below(9) : 99,
    // What a paused reader has not taken when a reset comes, a transport may drop: any part of the body is right then.
    reader: end === 'RST' ? 'body' : random.pick(readers),
    pauses: random.oneIn(2),
  };
}

/** Looks at whole clients: ours must make of a scene what our parser makes of its bytes, and no less than Node's client. */
export class ClientExaminer {
  readonly #parser = new ResponseParser();
  readonly #judge: Judge;

  constructor(llhttp: LlhttpReader) {
    this.#judge = new Judge(new ResponseParser(), llhttp);
  }

  static async make(): Promise<ClientExaminer> {
    return new ClientExaminer(new LlhttpReader(await nodeParserClass()));
  }

  async examine(scenes: readonly Scene[], tally?: Tally): Promise<(string | undefined)[]> {
    const ours = await Promise.all(scenes.map(scene => settled(playOurs(scene))));
    // Node is asked only where its parser agrees, or there is nothing to learn.
    const asked = scenes.map(scene => this.#agreed(scene));
    const theirs = await Promise.all(
      scenes.map(async (scene, i) => (asked[i] ? playNode(scene, () => turns(1)) : undefined)),
    );
    await turns(4);
    return scenes.map((scene, i) => {
      try {
        const seen = ours[i]();
        const whole = this.#read(scene);
        tally?.count(`${scene.end}: ${seen.outcome}${seen.outcome === 'response' ? `, ${seen.bodyOutcome}` : ''}`);
        if (tally !== undefined) tally.executions++;
        // A stream of Node drops what nobody has read of it yet when it fails.
        const dropped = scene.reader === 'readable' && failed(seen) && whole.body.startsWith(seen.body);
        const wrong = differs(
          dropped ? { ...seen, body: whole.body } : seen,
          expected(scene, whole, this.#sent(scene).length),
        );
        if (wrong !== undefined) return `the client makes of it what the parser does: ${wrong}`;
        const node = theirs[i]?.();
        if (node === undefined) return undefined;
        tally?.count('asked Node too');
        return this.#compare(scene, whole, seen, node);
      } catch (error) {
        theirs[i]?.();
        return `only promises that are kept: ${String(error)}`;
      }
    });
  }

  #sent(scene: Scene): Buffer {
    return Buffer.concat(segments(scene));
  }

  #read(scene: Scene): Reading {
    return readOurs(this.#parser, this.#sent(scene), [], scene);
  }

  #agreed(scene: Scene): boolean {
    const bytes = this.#sent(scene);
    const play: Play = { ...scene, text: bytes.toString('latin1') };
    // Node takes any answer to CONNECT for a tunnel, a 1xx too.
    if (scene.method === 'CONNECT') return false;
    return this.#judge.explain(play, bytes, readOurs(this.#parser, bytes, [], play))?.length === 0;
  }

  #compare(scene: Scene, whole: Reading, ours: ClientReading, theirs: ClientReading): string | undefined {
    const surplus = whole.outcome === 'end' && whole.length < this.#sent(scene).length;
    // Both gave up, each at its own place. Node may also fail a response for what follows it.
    if (failed(theirs) && (failed(ours) || surplus)) return undefined;
    // Only an end in order completes a body that the end of the connection ends (RFC 9112 section 8, D32): Node takes a
    // reset for one, after an error that it shows as well.
    if (scene.end === 'RST' && whole.framing === 'close' && ours.bodyOutcome === 'error') return undefined;
    if (ours.reusable && !theirs.reusable) return 'what Node does not use again is not used again';
    const wrong = differs({ ...ours, reusable: false }, { ...theirs, reusable: false });
    return wrong === undefined ? undefined : `Node's client makes the same of it: ${wrong} ${JSON.stringify(theirs)}`;
  }
}

function failed({ outcome, bodyOutcome }: ClientReading): boolean {
  return outcome === 'error' || bodyOutcome === 'error';
}

async function settled(played: Promise<() => ClientReading>): Promise<() => ClientReading> {
  try {
    return await played;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

/** What our client must tell of a scene, by what our parser says of its bytes. */
function expected({ end }: Scene, whole: Reading, sent: number): ClientReading {
  const { outcome, closed, status, statusText, version, fields, informational, body, trailers, length } = whole;
  const told = { ...newClientReading(), informational };
  if (status === 0) return { ...told, outcome: outcome === 'refused' || end !== 'open' ? 'error' : 'nothing' };
  const head = { ...told, status, statusText, version, fields };
  if (outcome === 'upgrade') return { ...head, outcome };
  return {
    ...head,
    outcome: 'response',
    body,
    bodyOutcome: bodyOutcome(end, outcome, closed),
    trailers,
    // Not behind a byte that no request had asked for.
    reusable: outcome === 'end' && whole.persistent && end === 'open' && length === sent,
  };
}

function bodyOutcome(end: Scene['end'], outcome: Reading['outcome'], closed: string): ClientReading['bodyOutcome'] {
  if (outcome === 'end') return 'complete';
  if (outcome === 'refused' || end === 'RST') return 'error';
  return end === 'open' ? 'open' : closed === 'end' ? 'complete' : 'error';
}

const told = ['outcome', 'status', 'statusText', 'version', 'body', 'bodyOutcome', 'reusable'] as const;
const lists = ['informational', 'fields', 'trailers'] as const;

function differs(one: ClientReading, other: ClientReading): string | undefined {
  const name =
    told.find(key => one[key] !== other[key]) ?? lists.find(key => one[key].join('\n') !== other[key].join('\n'));
  return name && `${name} ${JSON.stringify(one[name])}, not ${JSON.stringify(other[name])}`;
}

/** Looks for a scene that breaks a promise, and shrinks it. */
export async function searchClients(
  examiner: ClientExaminer,
  seed: number,
  runs: number,
  tally?: Tally,
  shrinks = true,
): Promise<Found<Scene> | null> {
  const random = new Random(seed);
  for (let at = 0; at < runs; at += batch) {
    const scenes = Array.from({ length: Math.min(batch, runs - at) }, () => randomScene(random));
    const broken = await examiner.examine(scenes, tally);
    const i = broken.findIndex(what => what !== undefined);
    if (i < 0) continue;
    const what = broken[i]!;
    if (!shrinks) return { runs: at + i + 1, what, play: scenes[i] };
    const small = await shrinkAsync(scenes[i], async each => {
      const [other] = await examiner.examine([each]);
      return other?.slice(0, 24) === what.slice(0, 24);
    });
    return { runs: at + i + 1, what: (await examiner.examine([small]))[0] ?? what, play: small };
  }
  return null;
}
