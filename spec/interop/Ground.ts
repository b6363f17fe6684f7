import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from './Child.js';
import type { Addresses } from './Server.js';

export const sha1 = (bytes: Uint8Array): string => createHash('sha1').update(bytes).digest('hex');

export const fileCount = 64;
export const largeSize = 64 * 1024 * 1024;

/** The folder that all servers share: the files that they serve, the certificates, and the application behind them. */
export class Ground {
  readonly certs = join(__dirname, '../loopback/certs');
  readonly ca = readFileSync(join(this.certs, 'ca.cert.pem'), 'latin1');
  readonly root = process.getuid?.() === 0;
  readonly sums = new Map<string, string>();
  #instances = 0;

  private constructor(
    readonly folder: string,
    /** The port of the application. */
    readonly backendPort: number,
    private readonly backend: Child,
  ) {}

  static async make(): Promise<Ground> {
    const folder = mkdtempSync(join(tmpdir(), 'interop-'));
    chmodSync(folder, 0o755); // Apache's workers are not root
    mkdirSync(join(folder, 'files'));
    const port = await freePort();
    const program = join(__dirname, 'backend.ts');
    const backend = Child.start(process.execPath, ['--import', 'tsx', program, folder, String(port)]);
    const ground = new Ground(folder, port, backend);
    for (let i = 0; i < fileCount; i++) {
      // From nothing to more than several reads.
      ground.#write(String(i), randomBytes(i === 0 ? 0 : i % 16 === 0 ? 200_000 + i : Math.floor(i ** 2.2)));
    }
    ground.#write('text.txt', Buffer.from('What goes in must come out as it went in.\n'.repeat(5_000)));
    const megabyte = randomBytes(1024 * 1024);
    ground.#write('large', Buffer.concat(Array.from({ length: largeSize / megabyte.length }, () => megabyte)));
    // HAProxy and lighttpd want key and certificate in one file.
    writeFileSync(join(folder, 'both.pem'), ground.certificate('cert') + ground.certificate('key'));
    await backend.listening([port]);
    return ground;
  }

  certificate(part: 'cert' | 'key', name = 'server'): string {
    return readFileSync(this.certificateFile(part, name), 'latin1');
  }

  certificateFile(part: 'cert' | 'key', name = 'server'): string {
    return join(this.certs, `${name}.${part}.pem`);
  }

  /** A folder for one instance of a server. */
  folderFor(name: string): string {
    const folder = join(this.folder, `${name}-${++this.#instances}`);
    mkdirSync(folder);
    return folder;
  }

  async addresses(folder: string): Promise<Addresses> {
    const [tcp, tls, mutual] = [await freePort(), await freePort(), await freePort()];
    return { tcp, tls, mutual, unix: join(folder, 'socket') };
  }

  async clear(): Promise<void> {
    await this.backend.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #write(name: string, bytes: Uint8Array): void {
    writeFileSync(join(this.folder, 'files', name), bytes);
    this.sums.set(name, sha1(bytes));
  }
}

const given = new Set<number>();

/** Not one of those that the system gives to whoever connects: it may be taken before the server starts. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const server = createServer();
    const free = await new Promise<boolean>(resolve => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (free && !given.has(port)) {
      given.add(port);
      return port;
    }
  }
}
