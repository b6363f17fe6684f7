import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child, output } from '../Child.js';
import type { Ground } from '../Ground.js';
import type { Addresses, Server, Settings } from '../Server.js';

export const haproxy: Server = {
  name: 'HAProxy',
  packages: ['haproxy'],
  present: ['haproxy', '-v'],
  version: () => /version (\S+)/.exec(output('haproxy', '-v'))![1],
  transports: ['tcp', 'tls', 'unix'],
  abilities: {
    requestLimit: false,
    ranges: true,
    gzip: true,
    informational: true,
    limitedPath: '/app/echo',
    oldVersion: false,
    renewal: 'reload',
  },

  async start(ground, folder, settings, addresses) {
    const file = join(folder, 'haproxy.cfg');
    writeFileSync(file, configuration(ground, folder, settings, addresses));
    const child = Child.start('haproxy', ['-W', '-db', '-f', file]);
    await child.listening([addresses.tcp, addresses.tls, addresses.unix]);
    return {
      async renew() {
        child.signal('SIGUSR2'); // to the master
        await sleep(150);
      },
      stop: () => child.stop(),
    };
  },
};

function configuration(ground: Ground, folder: string, settings: Settings, addresses: Addresses): string {
  return `
global
  stats socket ${folder}/stats mode 600 level admin expose-fd listeners
  ssl-default-bind-options ssl-min-ver TLSv1.2
  hard-stop-after 5s
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout http-keep-alive ${settings.idleTimeout}s
frontend all
  bind 127.0.0.1:${addresses.tcp} backlog 1024
  bind 127.0.0.1:${addresses.tls} ssl crt ${ground.folder}/both.pem backlog 1024
  bind ${addresses.unix} backlog 1024
  compression algo gzip
  compression type text/plain
  http-request deny deny_status 413 if { req.hdr_val(content-length) gt ${settings.maxBody} }
  http-request return status 204 if { path /empty }
  http-request redirect location /files/1 code 302 if { path /moved }
  http-response set-header X-Connection %[src_port] if { src_port gt 0 }
  default_backend application
backend application
  server node 127.0.0.1:${ground.backendPort}
`;
}
