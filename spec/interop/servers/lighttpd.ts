import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child, output } from '../Child.js';
import type { Ground } from '../Ground.js';
import type { Addresses, Server, Settings } from '../Server.js';

export const lighttpd: Server = {
  name: 'lighttpd',
  packages: ['lighttpd', 'lighttpd-mod-openssl', 'lighttpd-mod-deflate'],
  present: ['sh', '-c', 'lighttpd -v && ls /usr/lib/lighttpd/mod_openssl.so /usr/lib/lighttpd/mod_deflate.so'],
  version: () => /lighttpd\/(\S+)/.exec(output('lighttpd', '-v'))![1],
  transports: ['tcp', 'tls', 'unix'],
  abilities: {
    requestLimit: true,
    ranges: true,
    gzip: true,
    // It swallows what comes from behind it.
    informational: false,
    limitedPath: '/app/echo',
    oldVersion: false,
    renewal: 'reload',
  },

  async start(ground, folder, settings, addresses) {
    const file = join(folder, 'lighttpd.conf');
    writeFileSync(file, configuration(ground, folder, settings, addresses));
    const child = Child.start('lighttpd', ['-D', '-f', file]);
    await child.listening([addresses.tcp, addresses.tls, addresses.unix]);
    return {
      async renew() {
        child.signal('SIGUSR1'); // graceful restart
        await sleep(200);
      },
      stop: () => child.stop(),
    };
  },
};

function configuration(ground: Ground, folder: string, settings: Settings, addresses: Addresses): string {
  return `
server.modules = ("mod_openssl", "mod_deflate", "mod_redirect", "mod_proxy")
server.bind = "127.0.0.1"
server.port = ${addresses.tcp}
server.document-root = "${ground.folder}"
server.pid-file = "${folder}/pid"
server.errorlog = "${folder}/error.log"
server.upload-dirs = ("${folder}")
server.max-connections = 1024
server.max-keep-alive-requests = ${Math.min(settings.requestsPerConnection, 65_535)}
server.max-keep-alive-idle = ${settings.idleTimeout}
server.max-request-size = ${Math.ceil(settings.maxBody / 1024)}
server.stream-request-body = 1
server.stream-response-body = 1
server.feature-flags = ("server.graceful-restart-bg" => "disable", "server.graceful-shutdown-timeout" => 5)
mimetype.assign = (".txt" => "text/plain", "" => "application/octet-stream")
deflate.mimetypes = ("text/plain")
deflate.allowed-encodings = ("gzip")
url.redirect = ("^/moved$" => "/files/1")
url.redirect-code = 302
ssl.pemfile = "${ground.folder}/both.pem"
$SERVER["socket"] == "127.0.0.1:${addresses.tls}" { ssl.engine = "enable" }
$SERVER["socket"] == "${addresses.unix}" { }
$HTTP["url"] =~ "^/(app/|empty$)" {
  proxy.server = ("" => (("host" => "127.0.0.1", "port" => ${ground.backendPort})))
}
`;
}
