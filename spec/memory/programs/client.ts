import { rows } from '../rows.js';
import { LoadClient, MiB, type Seen } from '../LoadClient.js';
import { RSSWatch } from './rss.js';

// client ROW PORT LIMIT: runs a row, small first, and prints how much memory it took. Ends when that passes the limit.

export interface Result {
  /** Of the memory resident, at its highest, in bytes. */
  readonly growth: number;
  readonly start: number;
  readonly ms: number;
  readonly seen: Seen | null;
  readonly note: string;
  /** Anything else that is not as it should be. */
  readonly problem: string | null;
}

const [name, port, limit] = process.argv.slice(2);
const row = rows.find(candidate => candidate.name === name)!;

const origin = `http://127.0.0.1:${port}/`;

/** Runs the row under watch, and tells how it went. */
async function play(small: boolean): Promise<Result> {
  const client = new LoadClient(origin);
  await client.begin();
  const began = performance.now();
  const result = (seen: Seen | null, problem: string | null, note = ''): Result => {
    const { start, growth } = watch;
    return { start, growth, ms: Math.round(performance.now() - began), seen, note, problem };
  };
  const watch = await RSSWatch.begin(Number(limit) * MiB, () => {
    console.log(JSON.stringify(result(null, `stopped at ${limit} MiB`)));
    process.exit();
  });
  let note: string | void = undefined;
  let problem: string | null = null;
  try {
    note = await row.run(client, small);
  } catch (error) {
    problem = String(error);
  }
  watch.end();
  const played = result(await client.seen(), problem, note ?? '');
  await client.close();
  return played;
}

async function main(): Promise<void> {
  await play(true);
  console.log(JSON.stringify(await play(false)));
}

void main();
