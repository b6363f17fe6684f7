// nginx as the server of the rows over TLS: it is in every distribution, and its TLS is nobody's of those compared.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { home } from './children.mjs';
import { onCore } from './machine.mjs';

const certs = join(dirname(home), 'spec', 'loopback', 'certs');

/** Installs packages of the distribution that are missing, where that is allowed; says whether they are there. */
export function installed(packages, present) {
  if (present()) return true;
  if (process.getuid?.() !== 0 || spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).status !== 0) return false;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args) => spawnSync('apt-get', ['-o', 'Dpkg::Use-Pty=0', ...args], { stdio: 'ignore', env });
  apt('update');
  apt('install', '-y', '--no-install-recommends', ...packages);
  return present();
}

export async function startNginx() {
  if (!installed(['nginx-light'], () => spawnSync('nginx', ['-v'], { stdio: 'ignore' }).status === 0)) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'bench-nginx-'));
  const port = await freePort();
  const document = '{"id":42,"name":"a small document","tags":["one","two","three"],"price":12.5,"stock":true}';
  writeFileSync(
    join(folder, 'nginx.conf'),
    `
${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off;
worker_processes 1;
pid ${folder}/pid;
error_log stderr crit;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_timeout 600s;
  keepalive_requests 1000000000;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${certs}/server.cert.pem;
    ssl_certificate_key ${certs}/server.key.pem;
    location = /json { default_type application/json; return 200 '${document}'; }
  }
}
`,
  );
  const [command, args] = onCore(0, 'nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')]);
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const stop = async () => {
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    await gone;
    rmSync(folder, { recursive: true, force: true });
  };
  for (let tries = 0; tries < 100 && !(await listens(port)); tries++) await new Promise(go => setTimeout(go, 50));
  return { origin: `https://localhost:${port}`, ca: join(certs, 'ca.cert.pem'), stop };
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

function listens(port) {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}
