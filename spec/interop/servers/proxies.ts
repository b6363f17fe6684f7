import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child, output } from '../Child.js';
import { freePort } from '../Ground.js';
import type { Server } from '../Server.js';
import { nginx } from './nginx.js';

const user = 'alice';
const password = 'p@ss word';

interface Kind {
  readonly name: string;
  readonly scheme: string;
  readonly password?: string;
  readonly command: string;
  readonly version: () => string;
  /** Writes what it needs into the folder; returns its arguments. */
  readonly setUp: (folder: string, port: number) => readonly string[];
  /** It takes up a new configuration by this signal. */
  readonly reload?: NodeJS.Signals;
}

/** A proxy that wants to know who asks, and nginx to be asked through it. */
function proxy({ name, scheme, command, version, setUp, reload, password: secret = password }: Kind): Server {
  return {
    name,
    isProxy: true,
    packages: [command, ...nginx.packages],
    present: ['sh', '-c', `command -v ${command} && command -v nginx`],
    version,
    transports: ['tcp', 'tls'],
    abilities: { ...nginx.abilities, renewal: 'restart' },

    async start(ground, folder, settings, addresses) {
      const origin = await nginx.start(ground, folder, settings, addresses);
      const port = await freePort();
      const args = setUp(folder, port);
      const begin = async (): Promise<Child> => {
        const started = Child.start(command, args);
        await started.listening([port]);
        return started;
      };
      let child = await begin();
      let renewals = 0;
      return {
        proxy: `${scheme}://${user}:${encodeURIComponent(secret)}@127.0.0.1:${port}`,
        async renew() {
          if (reload !== undefined && ++renewals % 2 === 1) {
            child.signal(reload);
            await sleep(300);
            await child.listening([port]);
            return;
          }
          child.signal('SIGKILL');
          await child.stop();
          child = await begin();
        },
        async stop() {
          await child.stop();
          await origin.stop();
        },
      };
    },
  };
}

export const squid = proxy({
  name: 'Squid',
  scheme: 'http',
  command: 'squid',
  version: () => /Version (\S+)/.exec(output('squid', '-v'))![1],
  reload: 'SIGHUP',
  setUp(folder, port) {
    const users = join(folder, 'users');
    writeFileSync(users, `${user}:${output('openssl', 'passwd', '-apr1', password).trim()}\n`);
    const file = join(folder, 'squid.conf');
    writeFileSync(
      file,
      `
http_port 127.0.0.1:${port}
visible_hostname localhost
pid_filename none
cache_log stdio:/dev/stderr
access_log none
cache deny all
shutdown_lifetime 1 second
pinger_enable off
auth_param basic program /usr/lib/squid/basic_ncsa_auth ${users}
auth_param basic children 4 startup=2 idle=1
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
`,
    );
    return ['-N', '-f', file];
  },
});

export const tinyproxy = proxy({
  name: 'tinyproxy',
  scheme: 'http',
  command: 'tinyproxy',
  password: 'secret', // its configuration knows no quotes
  version: () => /tinyproxy (\S+)/.exec(output('tinyproxy', '-v'))![1],
  setUp(folder, port) {
    const file = join(folder, 'tinyproxy.conf');
    writeFileSync(
      file,
      `
Port ${port}
Listen 127.0.0.1
Timeout 60
MaxClients 500
LogLevel Error
BasicAuth ${user} secret
`,
    );
    return ['-d', '-c', file];
  },
});

export const microsocks = proxy({
  name: 'microsocks',
  scheme: 'socks5h',
  command: 'microsocks',
  version: () => /microsocks\s.*?(\d[\d.]*)/.exec(output('dpkg-query', '-W', 'microsocks'))?.[1] ?? '?',
  setUp: (_folder, port) => ['-i', '127.0.0.1', '-p', String(port), '-u', user, '-P', password],
});
