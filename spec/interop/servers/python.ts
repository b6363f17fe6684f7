import { join } from 'node:path';
import { Child, output } from '../Child.js';
import type { Ground } from '../Ground.js';
import type { Addresses, Instance, Server, Settings } from '../Server.js';

/** Debian's, not what a version manager has put in front of it. */
const python3 = '/usr/bin/python3';

export const python: Server = {
  name: 'http.server',
  packages: ['python3'],
  present: [python3, '--version'],
  version: () => /Python (\S+)/.exec(output(python3, '--version'))![1],
  transports: ['tcp', 'tls', 'unix'],
  abilities: {
    requestLimit: true,
    ranges: false,
    gzip: false,
    informational: true,
    oldVersion: true,
    limitedPath: '/app/echo',
    renewal: 'restart',
  },
  start: (...args) => startProgram('http_server.py', ...args),
};

export const twisted: Server = {
  name: 'Twisted',
  packages: ['python3-twisted', 'python3-openssl', 'python3-service-identity'],
  present: [python3, '-c', 'import twisted.web, OpenSSL, service_identity'],
  version: () => output(python3, '-c', 'import twisted; print(twisted.__version__)').trim(),
  transports: ['tcp', 'tls', 'unix'],
  abilities: {
    requestLimit: true,
    ranges: true,
    gzip: true,
    informational: true,
    oldVersion: false,
    limitedPath: '/app/echo',
    renewal: 'restart',
  },
  start: (...args) => startProgram('twisted_server.py', ...args),
};

async function startProgram(
  program: string,
  ground: Ground,
  _folder: string,
  settings: Settings,
  addresses: Addresses,
): Promise<Instance> {
  const options = {
    ...settings,
    addresses,
    folder: ground.folder,
    certificate: ground.certificateFile('cert'),
    key: ground.certificateFile('key'),
  };
  const start = async () => {
    const args = [join(__dirname, '../python', program), JSON.stringify(options)];
    const started = Child.start(python3, args, { PYTHONDONTWRITEBYTECODE: '1' });
    await started.listening([addresses.tcp, addresses.tls, addresses.unix]);
    return started;
  };
  let child = await start();
  return {
    async renew() {
      await child.stop();
      child = await start();
    },
    stop: () => child.stop(),
  };
}
