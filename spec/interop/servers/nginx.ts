import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child, output } from '../Child.js';
import type { Ground } from '../Ground.js';
import type { Addresses, Server, Settings } from '../Server.js';

const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

export const nginx: Server = {
  name: 'nginx',
  packages: ['nginx-light'],
  present: ['nginx', '-v'],
  version: () => /nginx\/(\S+)/.exec(output('nginx', '-v'))![1],
  transports: ['tcp', 'tls', 'unix'],
  abilities: {
    requestLimit: true,
    ranges: true,
    gzip: true,
    // It swallows what comes from behind it, and sends none itself unless it is asked for.
    informational: false,
    limitedPath: '/app/echo',
    oldVersion: false,
    renewal: 'reload',
  },

  async start(ground, folder, settings, addresses) {
    const file = join(folder, 'nginx.conf');
    writeFileSync(file, configuration(ground, folder, settings, addresses));
    const child = Child.start('nginx', ['-p', folder, '-c', file]);
    await child.listening(Object.values(addresses));
    return {
      async renew() {
        child.signal('SIGHUP'); // what `nginx -s reload` sends
        await sleep(100);
      },
      stop: () => child.stop(),
    };
  },
};

function configuration(ground: Ground, folder: string, settings: Settings, addresses: Addresses): string {
  const listen = `
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_certificate ${ground.certificateFile('cert')};
    ssl_certificate_key ${ground.certificateFile('key')};
    root ${ground.folder};
    client_max_body_size ${settings.maxBody};
    add_header X-Id $arg_id;
    add_header X-Connection $connection;
    location /files/ {}
    location = /empty { return 204; }
    location = /moved { return 302 /files/1; }
    location /app/ {
      proxy_pass http://backend;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_request_buffering off;
      proxy_hide_header X-Id;
    }`;
  return `
${ground.root ? 'user root;' : ''}
daemon off;
worker_processes 2;
pid ${folder}/pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
  access_log off;
  ${temporary.map(name => `${name}_temp_path ${folder}/${name};`).join('\n  ')}
  default_type application/octet-stream;
  types { text/plain txt; }
  gzip on;
  gzip_types text/plain;
  keepalive_timeout ${settings.idleTimeout}s;
  keepalive_requests ${settings.requestsPerConnection};
  upstream backend { server 127.0.0.1:${ground.backendPort}; keepalive 64; }
  server {
    listen 127.0.0.1:${addresses.tcp};
    listen 127.0.0.1:${addresses.tls} ssl;
    listen unix:${addresses.unix};
    ${listen}
  }
  server {
    listen 127.0.0.1:${addresses.mutual} ssl;
    ssl_client_certificate ${ground.certs}/ca.cert.pem;
    ssl_verify_client on;
    ${listen}
  }
}
`;
}
