// 10 000 requests at concurrency 50 to nginx, over http and https: each answer verified by id and checksum, connections
// counted by nginx. Installs nginx where it may; where it can neither find nor install it, it says so and does nothing,
// which is a failure in CI.
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);
const certs = join(root, 'spec/loopback/certs');
const requests = 10_000;
const rounds = 10;
const concurrency = 50;
const files = 64;

function skip(why) {
  console.log(`nginx: SKIPPED, ${why}`);
  process.exit(process.env.CI ? 1 : 0);
}

const has = (command, ...args) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;

function install() {
  if (has('nginx', '-v')) return;
  if (!has('apt-get', '--version')) skip('nginx is missing, and there is no apt-get to install it with');
  if (process.getuid?.() !== 0) skip('nginx is missing, and only root may install it');
  console.log('nginx is missing: installing it');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // The package would start a server of its own on port 80.
  const wanted = ['install', '-y', '--no-install-recommends', '-o', 'Dpkg::Use-Pty=0', 'nginx-light'];
  const apt = (...args) =>
    spawnSync('apt-get', args, { stdio: ['ignore', 'ignore', 'inherit'], env, timeout: 180_000 });
  if (apt(...wanted).status !== 0) {
    apt('update');
    apt(...wanted);
  }
  if (!has('nginx', '-v')) skip('nginx is missing, and apt-get could not install it');
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise(resolve => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise(resolve => server.close(resolve));
  return port;
}

/** Whether somebody takes connections there. */
const listens = port =>
  new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.destroy());
    socket.on('error', () => resolve(false));
    socket.on('close', () => resolve(true));
  });

const sha1 = bytes => createHash('sha1').update(bytes).digest('base64url');

/** Starts it in a folder of its own, in the foreground, as a child of this process. */
async function start(folder) {
  const [plain, secure] = [await freePort(), await freePort()];
  mkdirSync(join(folder, 'files'));
  const sums = [];
  for (let i = 0; i < files; i++) {
    // From nothing to more than several reads.
    const bytes = randomBytes(i === 0 ? 0 : i % 16 === 0 ? 200_000 + i : Math.floor(i ** 2.2));
    writeFileSync(join(folder, 'files', String(i)), bytes);
    sums.push(sha1(bytes));
  }
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    name => `${name}_temp_path ${join(folder, name)};`,
  );
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  writeFileSync(
    join(folder, 'nginx.conf'),
    `
${user}
daemon off;
worker_processes 2;
pid ${join(folder, 'pid')};
error_log stderr warn;
events { worker_connections 1024; }
http {
  access_log off;
  ${temporary.join('\n  ')}
  keepalive_timeout 60s;
  keepalive_requests 1000000;
  server {
    listen 127.0.0.1:${plain};
    listen 127.0.0.1:${secure} ssl;
    ssl_certificate ${join(certs, 'server.cert.pem')};
    ssl_certificate_key ${join(certs, 'server.key.pem')};
    root ${folder};
    location /files/ {
      default_type application/octet-stream;
      add_header X-Id $arg_id;
      add_header X-Connection $connection;
    }
    location /text/ {
      # Compressed is of unknown length: this one comes in chunks to those who take it.
      default_type text/plain;
      add_header X-Id $arg_id;
      add_header X-Connection $connection;
      return 200 "$request_method $arg_id $request_uri";
    }
  }
}
`,
  );
  const child = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return { child, plain, secure, sums };
}

/** The library, from the sources. */
async function library(folder) {
  const bundle = join(folder, 'library.cjs');
  await require('esbuild').build({
    stdin: {
      contents: "export * from 'rxjs'; export * as pool from './src/index.ts';",
      resolveDir: root,
      loader: 'ts',
    },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    outfile: bundle,
    logLevel: 'error',
  });
  return require(bundle);
}

async function load({ lastValueFrom, ignoreElements, map, mergeMap, range, pool }, origin, sums, ca) {
  const { Agent } = pool;
  await sleep(50);
  const before = process.getActiveResourcesInfo().sort();
  const agent = new Agent({ tls: ca === undefined ? {} : { ca }, timeouts: { total: 60_000 } });
  const connections = new Set();
  const seen = new Uint8Array(requests);
  const faults = [];
  const heaps = [];
  const started = performance.now();
  for (let round = 0; round < rounds; round++) {
    await lastValueFrom(
      range((round * requests) / rounds, requests / rounds).pipe(
        mergeMap(id => {
          const text = id % 10 === 9;
          const path = text ? `/text/${id}?id=${id}` : `/files/${id % files}?id=${id}`;
          return agent.get(origin + path).pipe(
            mergeMap(response =>
              response.bytes().pipe(
                map(body => {
                  seen[id]++;
                  connections.add(response.headers.get('x-connection'));
                  const wanted = text ? sha1(`GET ${id} ${path}`) : sums[id % files];
                  if (response.status !== 200) faults.push(`${id}: status ${response.status}`);
                  else if (response.headers.get('x-id') !== String(id)) faults.push(`${id}: another's answer`);
                  else if (sha1(body) !== wanted) faults.push(`${id}: other bytes`);
                }),
              ),
            ),
          );
        }, concurrency),
        ignoreElements(),
      ),
      { defaultValue: undefined },
    );
    globalThis.gc?.();
    heaps.push(process.memoryUsage().heapUsed);
  }
  const ms = performance.now() - started;
  const { opened, leased, pending, connecting, retries } = agent.pool.stats();
  await lastValueFrom(agent.close());
  await sleep(50);
  const after = process.getActiveResourcesInfo().sort();
  const growth = heaps[rounds - 1] - heaps[3];
  console.log(
    `${new URL(origin).protocol} ${requests} requests, ${Math.round((requests / ms) * 1000)}/s, ${connections.size} connections, ` +
      `${retries} retries, heap ${growth} bytes over ${rounds - 4} rounds`,
  );
  const failed = Object.entries({
    [`faults: ${faults.slice(0, 5).join(', ')}`]: faults.length > 0,
    'not each was answered once': !seen.every(times => times === 1),
    [`${connections.size} connections`]: connections.size > concurrency,
    [`opened ${opened}, and nginx counted ${connections.size}`]: opened !== connections.size,
    'something is in use still': leased + pending + connecting > 0,
    [`the heap grew by ${growth} bytes`]: globalThis.gc !== undefined && growth > 600_000,
    [`left: ${after.join(' ')}; before: ${before.join(' ')}`]: after.join() !== before.join(),
  }).filter(([, is]) => is);
  for (const [what] of failed) console.error(`FAILED: ${what}`);
  return failed.length === 0;
}

install();
const folder = mkdtempSync(join(tmpdir(), 'nginx-'));
const { child, plain, secure, sums } = await start(folder);
let ok = false;
try {
  const lib = await library(folder);
  const ca = readFileSync(join(certs, 'ca.cert.pem'), 'latin1');
  for (let tries = 0; tries < 100 && !(await listens(plain)); tries++) await sleep(50);
  ok = await load(lib, `http://127.0.0.1:${plain}`, sums);
  ok = (await load(lib, `https://localhost:${secure}`, sums, ca)) && ok;
} finally {
  child.kill('SIGTERM');
  await new Promise(resolve => child.once('exit', resolve));
  rmSync(folder, { recursive: true, force: true });
}
console.log(ok ? 'nginx: ok' : 'nginx: FAILED');
process.exit(ok ? 0 : 1);
