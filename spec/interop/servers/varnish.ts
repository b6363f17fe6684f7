import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { execFile } from 'node:child_process';
import { Child, output } from '../Child.js';
import type { Ground } from '../Ground.js';
import type { Server, Settings } from '../Server.js';

const run = promisify(execFile);

export const varnish: Server = {
  name: 'Varnish',
  packages: ['varnish'],
  present: ['varnishd', '-V'],
  version: () => /varnish-(\S+)/.exec(output('varnishd', '-V'))![1],
  transports: ['tcp', 'unix'],
  abilities: {
    requestLimit: false,
    ranges: true,
    gzip: true,
    // What comes from behind it fails in Varnish 7.1, whichever client asks.
    informational: false,
    limitedPath: '/app/echo',
    oldVersion: false,
    renewal: 'reload',
  },

  async start(ground, folder, settings, addresses) {
    const file = join(folder, 'default.vcl');
    writeFileSync(file, configuration(ground, settings));
    const parameters = { timeout_idle: String(settings.idleTimeout), thread_pool_max: '1000', thread_pool_min: '50' };
    const child = Child.start('varnishd', [
      ...['-F', '-n', join(folder, 'n'), '-f', file, '-s', 'malloc,256m', ...(ground.root ? ['-j', 'none'] : [])],
      ...['-a', `127.0.0.1:${addresses.tcp}`, '-a', String(addresses.unix)],
      ...Object.entries(parameters).flatMap(([name, value]) => ['-p', `${name}=${value}`]),
    ]);
    await child.listening([addresses.tcp, addresses.unix]);
    let reloads = 0;
    return {
      async renew() {
        const name = `reload${++reloads}`;
        await run('varnishadm', ['-n', join(folder, 'n'), 'vcl.load', name, file]);
        await run('varnishadm', ['-n', join(folder, 'n'), 'vcl.use', name]);
      },
      stop: () => child.stop(),
    };
  },
};

function configuration(ground: Ground, settings: Settings): string {
  return `
vcl 4.1;
import std;
backend application { .host = "127.0.0.1"; .port = "${ground.backendPort}"; }
sub vcl_recv {
  if (std.integer(req.http.Content-Length, 0) > ${settings.maxBody}) { return (synth(413)); }
  if (req.url == "/empty") { return (synth(204)); }
  if (req.url == "/moved") { return (synth(302)); }
  if (req.url ~ "^/files/large") { return (pass); }
  # The files come from the cache, whoever asks; what changes does not.
  if (req.url ~ "^/files/") { set req.http.X-Id = regsub(req.url, "^.*id=", ""); set req.url = regsub(req.url, "\\?.*", ""); }
  else { return (pass); }
}
sub vcl_backend_response {
  if (beresp.http.Content-Type ~ "text") { set beresp.do_gzip = true; }
  set beresp.ttl = 1h;
}
sub vcl_synth {
  if (resp.status == 302) { set resp.http.Location = "/files/1"; synthetic(""); return (deliver); }
}
sub vcl_deliver {
  if (req.http.X-Id) { set resp.http.X-Id = req.http.X-Id; }
  if (std.port(client.ip) > 0) { set resp.http.X-Connection = std.port(client.ip); }
}
`;
}
