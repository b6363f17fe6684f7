import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ca, certificate, echo, ForwardProxy, httpServer, httpsServer, Program } from '../loopback/index.js';
import type { Finding, Task } from '../loopback/programs/pollution.js';
import { bundle } from '../support/bundle.js';
import type { SeededBug } from '../support/seedBug.js';
import { namesRead, optionNames } from './names.js';

export interface Outcome {
  /** What the work comes to where nothing is polluted, so that one sees that it works. */
  readonly steps: readonly string[];
  readonly findings: readonly Finding[];
}

/** Runs the program in a process of its own: in the realm of a spec, Node's own objects have another prototype. */
export async function pollution(
  mode: Task['mode'],
  { names = mode === 'values' ? optionNames() : namesRead(), bug }: { names?: string[]; bug?: SeededBug } = {},
): Promise<Outcome> {
  const unix = join(tmpdir(), `${randomUUID()}.sock`);
  const local = createServer(echo).listen(unix);
  await once(local, 'listening');
  const http = await httpServer(echo);
  const https = await httpsServer(echo);
  const selfSigned = await httpsServer(echo, certificate('self-signed'));
  const proxy = await ForwardProxy.start();
  const ports = { http: http.port, https: https.port, selfSigned: selfSigned.port };
  const task: Task = { mode, names, ca, unix, ...ports, proxy: proxy.url };
  try {
    return await new Program('pollution', [JSON.stringify(task)], { bug }).result<Outcome>(60_000);
  } finally {
    local.close();
    for (const server of [http, https, selfSigned, proxy]) await server.close();
  }
}

/** The file of `src/` that each line of the program came from; undefined: another package, or the program itself. */
export async function sourcesOf(lines: readonly string[]): Promise<(string | undefined)[]> {
  const script = await bundle({ file: join(__dirname, '../loopback/programs/pollution.ts') });
  const rows = script.split('\n');
  return lines.map(line => {
    const marks = rows.slice(0, Number(line)).filter(row => /^\/\/ \S+\.[cm]?[jt]s$/.test(row));
    return /^\/\/ (src\/\S+)$/.exec(marks.at(-1) ?? '')?.[1];
  });
}
