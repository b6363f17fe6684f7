import { spawnSync } from 'node:child_process';
import type { Server } from './Server.js';

const succeeds = ([command, ...args]: readonly string[]): boolean =>
  spawnSync(command, args, { stdio: 'ignore' }).status === 0;

/** Installs what is missing of the servers; returns why that cannot be done, or null if all are there. */
export function install(servers: readonly Server[]): string | null {
  const missing = servers.filter(({ present }) => !succeeds(present));
  if (missing.length === 0) return null;
  const names = missing.map(({ name }) => name).join(', ');
  if (!succeeds(['apt-get', '--version'])) return `${names} missing, and there is no apt-get to install them with`;
  if (process.getuid?.() !== 0) return `${names} missing, and only root may install them`;
  console.log(`installing ${names}`);
  // Packages of servers start them, as services, unless a policy forbids that.
  const script = `
    export DEBIAN_FRONTEND=noninteractive
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
      printf '#!/bin/sh\\nexit 101\\n' > $policy && chmod +x $policy
      trap 'rm -f $policy' EXIT
    fi
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 "$@"`;
  const packages = missing.flatMap(server => server.packages);
  spawnSync('bash', ['-c', script, 'bash', ...packages], { stdio: ['ignore', 'ignore', 'inherit'], timeout: 300_000 });
  const still = missing.filter(({ present }) => !succeeds(present));
  return still.length === 0 ? null : `${still.map(({ name }) => name).join(', ')}: apt-get could not install them`;
}
