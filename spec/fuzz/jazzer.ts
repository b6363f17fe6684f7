// The target of scripts/jazzer.mjs: an engine that looks for bytes which reach new code of the wire.
import { Examiner, randomPlay } from './search.js';
import { Random } from './Random.js';
import type { Play } from './Reading.js';

const methods = ['GET', 'HEAD', 'CONNECT'] as const;

/** The first two octets say how the rest is played. */
function playOf(data: Buffer): Play {
  const [how = 0, seed = 0] = data;
  const text = data.toString('latin1', 2);
  const random = new Random(seed);
  const cuts = Array.from({ length: 1 + (seed % 8) }, () => random.below(text.length + 1)).sort((a, b) => a - b);
  return { text, method: methods[how % 3], upgrade: (how & 0x80) !== 0, cuts };
}

let examiner: Examiner | undefined;
const ready = Examiner.make().then(made => (examiner = made));

export function fuzz(data: Buffer): void | Promise<void> {
  if (examiner === undefined) return ready.then(() => fuzz(data));
  Error.stackTraceLimit = 0;
  const play = playOf(data);
  const what = examiner.examine(play, data.length);
  if (what !== undefined) throw new Error(`${what}\n${JSON.stringify(play)}\n${examiner.judge.tell(play)}`);
}

/** What it begins with: random responses. */
export function corpus(count: number): Buffer[] {
  const random = new Random(1);
  return Array.from({ length: count }, () => {
    const { text, method, upgrade } = randomPlay(random);
    const how = methods.indexOf(method) + (upgrade ? 0x81 : 0);
    return Buffer.from(`${String.fromCharCode(how, random.below(256))}${text}`, 'latin1');
  });
}
