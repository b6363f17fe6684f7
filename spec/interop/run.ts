import { fork } from 'node:child_process';
import { once } from 'node:events';
import { from, lastValueFrom, mergeMap, reduce } from 'rxjs';
import { setups, type Check } from './Check.js';
import { bodies, largeBodies } from './checks/bodies.js';
import { closing } from './checks/closing.js';
import { idleControl, renewalControl } from './checks/controls.js';
import { proxyBasics, proxyFailures, proxyLoad, proxyRenewal } from './checks/proxies.js';
import { longerIdle, shorterIdle } from './checks/idle.js';
import { informational } from './checks/informational.js';
import { load } from './checks/load.js';
import { renewal } from './checks/renewal.js';
import { requestLimit } from './checks/requestLimit.js';
import { reuse } from './checks/reuse.js';
import { tlsCheck } from './checks/tls.js';
import { tooLarge } from './checks/tooLarge.js';
import { uploads } from './checks/uploads.js';
import { Ground } from './Ground.js';
import { install } from './install.js';
import type { Server } from './Server.js';
import { apache } from './servers/apache.js';
import { haproxy } from './servers/haproxy.js';
import { lighttpd } from './servers/lighttpd.js';
import { nginx } from './servers/nginx.js';
import { microsocks, squid, tinyproxy } from './servers/proxies.js';
import { python, twisted } from './servers/python.js';
import { varnish } from './servers/varnish.js';
import { Site } from './Site.js';
import { inWords, Tally } from './Tally.js';

// run [SERVER…] [--check=WORDS]: all servers, or those; all checks, or those whose names have the words. Each server is
// tried in a process of its own, which counts its own resources and keeps its own time; some run beside each other.

/** Most of the time is waiting for idle timeouts. */
const atOnce = 4;

const allServers = [nginx, apache, haproxy, lighttpd, varnish, python, twisted, squid, tinyproxy, microsocks];
const allChecks: readonly Check[] = [
  ...[reuse, bodies, largeBodies, uploads, informational, closing, tlsCheck, load, longerIdle, renewal],
  ...[requestLimit, tooLarge, shorterIdle, idleControl, renewalControl],
  ...[proxyBasics, proxyFailures, proxyLoad, proxyRenewal],
];

/** What became of one server over one transport: a line of the table. */
interface Row {
  readonly server: string;
  readonly version: string;
  readonly transport: string;
  readonly requests: number;
  readonly connections: number;
  readonly retries: number;
  readonly failures: number;
  readonly faults: readonly (readonly [string, number])[];
}

async function runServer(server: Server, checks: readonly Check[], ground: Ground): Promise<Row[]> {
  const tallies = server.transports.map(transport => ({ transport, tally: new Tally() }));
  for (const [setup, settings] of Object.entries(setups)) {
    const isProxy = server.isProxy === true;
    const chosen = checks.filter(check => check.setup === setup && (check.ofProxies === true) === isProxy);
    if (chosen.length === 0) continue;
    const folder = ground.folderFor(server.name);
    const addresses = await ground.addresses(folder);
    const instance = await server.start(ground, folder, settings, addresses);
    try {
      for (const { transport, tally } of tallies) {
        const site = new Site(server, transport, instance, ground, settings, addresses, tally);
        for (const check of chosen) {
          if (check.applies?.(site) === false) continue;
          await runCheck(check, site);
        }
      }
    } finally {
      await instance.stop();
    }
  }
  return tallies.map(({ transport, tally: { requests, connections, retries, failures, faults } }) => {
    const [name, version] = [server.name, server.version()];
    return { server: name, version, transport, requests, connections, retries, failures, faults: [...faults] };
  });
}

async function runCheck(check: Check, site: Site): Promise<void> {
  const { tally, server, transport } = site;
  const started = performance.now();
  const [failures, notes] = [tally.failures, tally.notes.length];
  try {
    await check.run(site);
  } catch (error) {
    tally.fault(`${check.name}: ${inWords(error)}`);
    if (!(error instanceof Error)) throw error;
    console.error(error.stack);
  }
  await site.settle();
  const verdict = tally.failures === failures ? 'ok' : `${tally.failures - failures} FAILED`;
  const ms = Math.round(performance.now() - started);
  console.log([server.name, transport, check.name, verdict, `${ms} ms`, ...tally.notes.slice(notes)].join(' · '));
}

/** Runs one server here. */
async function child(server: Server, checks: readonly Check[]): Promise<Row[]> {
  const ground = await Ground.make();
  try {
    return await runServer(server, checks, ground);
  } finally {
    await ground.clear();
  }
}

/** Runs one server in a process of its own. */
async function inProcess({ name }: Server, words: string): Promise<Row[]> {
  const program = fork(__filename, ['--child', name, `--check=${words}`]);
  let rows: Row[] = [];
  program.on('message', message => (rows = message as Row[]));
  const [code] = (await once(program, 'close')) as [number | null];
  if (code === 0) return rows;
  const faults = [[`the run ended with ${code}`, 1]] as const;
  return [...rows, { ...noRow, server: name, failures: 1, faults }];
}

const noRow = { version: '?', transport: '?', requests: 0, connections: 0, retries: 0 };

function print(rows: readonly Row[]): void {
  const columns = ['server', 'version', 'transport', 'requests', 'connections', 'retries', 'failures'] as const;
  const lines = [columns, ...rows.map(row => columns.map(column => String(row[column])))];
  const widths = columns.map((_, at) => Math.max(...lines.map(line => line[at].length)));
  console.log();
  for (const line of lines)
    console.log(
      line
        .map((cell, at) => cell.padEnd(widths[at]))
        .join('  ')
        .trimEnd(),
    );
  for (const { server, transport, faults } of rows) {
    for (const [fault, times] of faults) console.log(`FAILED: ${server} ${transport}: ${fault} (${times}×)`);
  }
}

async function main(args: readonly string[]): Promise<boolean> {
  const names = args.filter(arg => !arg.startsWith('--'));
  const words = args.find(arg => arg.startsWith('--check='))?.slice('--check='.length) ?? '';
  const servers = allServers.filter(({ name }) => names.length === 0 || names.includes(name));
  if (args.includes('--child')) {
    process.on('disconnect', () => process.exit(1)); // whoever wants to know has gone
    const rows = await child(
      servers[0],
      allChecks.filter(({ name }) => name.includes(words)),
    );
    await new Promise(sent => process.send!(rows, sent));
    return true;
  }
  const why = install(servers);
  if (why !== null) {
    console.log(`interop: SKIPPED, ${why}`);
    return process.env.CI === undefined;
  }
  const started = performance.now();
  const rows = await lastValueFrom(
    from(servers).pipe(
      mergeMap(server => inProcess(server, words), atOnce),
      reduce((all: Row[], some) => [...all, ...some], []),
    ),
  );
  const order = allServers.map(({ name }) => name);
  print(rows.sort((a, b) => order.indexOf(a.server) - order.indexOf(b.server)));
  const sum = (column: 'requests' | 'failures') => rows.reduce((total, row) => total + row[column], 0);
  const seconds = Math.round((performance.now() - started) / 1_000);
  console.log(
    `\ninterop: ${sum('requests')} requests in ${seconds} s on Node ${process.version}, ${sum('failures')} failures`,
  );
  return sum('failures') === 0;
}

main(process.argv.slice(2)).then(
  ok => process.exit(ok ? 0 : 1),
  error => {
    console.error(error);
    process.exit(1);
  },
);
