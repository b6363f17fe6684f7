import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child, output } from '../Child.js';
import type { Ground } from '../Ground.js';
import type { Addresses, Server, Settings } from '../Server.js';

const modules =
  'mpm_event authz_core mime headers setenvif alias deflate filter proxy proxy_http socache_shmcb ssl reqtimeout'.split(
    ' ',
  );

export const apache: Server = {
  name: 'Apache',
  packages: ['apache2'],
  present: ['apache2', '-v'],
  version: () => /Apache\/(\S+)/.exec(output('apache2', '-v'))![1],
  transports: ['tcp', 'tls'],
  abilities: {
    requestLimit: true,
    ranges: true,
    gzip: true,
    informational: true,
    oldVersion: true,
    // What it passes on is not limited.
    limitedPath: '/files/1',
    renewal: 'reload',
  },

  async start(ground, folder, settings, addresses) {
    const file = join(folder, 'httpd.conf');
    writeFileSync(file, configuration(ground, folder, settings, addresses));
    const child = Child.start('apache2', ['-d', folder, '-f', file, '-DFOREGROUND']);
    await child.listening([addresses.tcp, addresses.tls]);
    return {
      async renew() {
        child.signal('SIGUSR1'); // what `apachectl graceful` sends
        await sleep(150);
      },
      stop: () => child.stop(),
    };
  },
};

function configuration(ground: Ground, folder: string, settings: Settings, addresses: Addresses): string {
  return `
ServerName localhost
${ground.root ? 'User www-data\nGroup www-data' : ''}
${modules.map(name => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
DefaultRuntimeDir ${folder}
PidFile ${folder}/pid
Mutex pthread
ErrorLog ${folder}/error.log
LogLevel warn
Listen 127.0.0.1:${addresses.tcp}
Listen 127.0.0.1:${addresses.tls}

StartServers 2
ThreadsPerChild 50
MaxRequestWorkers 300
ServerLimit 12
KeepAlive On
KeepAliveTimeout ${settings.idleTimeout}
MaxKeepAliveRequests ${settings.requestsPerConnection}
LimitRequestBody ${settings.maxBody}

DocumentRoot ${ground.folder}
TypesConfig /dev/null
AddType text/plain .txt
AddOutputFilterByType DEFLATE text/plain
Header set X-Id expr=%{QUERY_STRING}
Header edit X-Id "^id=" ""
Header set X-Connection expr=%{REMOTE_PORT}
SetEnvIf Old . downgrade-1.0 force-response-1.0 nokeepalive
RedirectMatch 204 ^/empty$
RedirectMatch 302 ^/moved$ /files/1
ProxyPass /app/ http://127.0.0.1:${ground.backendPort}/app/
<VirtualHost 127.0.0.1:${addresses.tls}>
  SSLEngine on
  SSLCertificateFile ${ground.certificateFile('cert')}
  SSLCertificateKeyFile ${ground.certificateFile('key')}
  ProxyPass /app/ http://127.0.0.1:${ground.backendPort}/app/
</VirtualHost>
`;
}
