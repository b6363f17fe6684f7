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

async function main(): Promise<void> {
  const origin = `http://127.0.0.1:${port}/`;
  const warm = new LoadClient(origin);
  await row.run(warm, true);
  await warm.close();

  const client = new LoadClient(origin);
  const began = performance.now();
  const print = (seen: Seen | null, problem: string | null, note = ''): void => {
    const ms = Math.round(performance.now() - began);
    console.log(JSON.stringify({ growth: watch.growth, start: watch.start, ms, seen, note, problem } satisfies Result));
  };
  await client.begin();
  const watch = await RSSWatch.begin(Number(limit) * MiB, () => {
    print(null, 'stopped');
    process.exit();
  });
  let note: string | void = undefined;
  let problem: string | null = null;
  try {
    note = await row.run(client, false);
  } catch (error) {
    problem = String(error);
  }
  watch.end();
  print(await client.seen(), problem, note ?? '');
  await client.close();
}

void main();
