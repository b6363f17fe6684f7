// Packs the package and uses it as its users do: {CommonJS, ES module} × {nodenext, bundler}, compiled and run.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const esbuild = createRequire(import.meta.url)('esbuild');

if (!existsSync(join(root, 'dist/esm/package.json'))) {
  console.error('There is no dist/: run `npm run build` first');
  process.exit(1);
}

function run(cwd, command, ...args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8', timeout: 120_000 });
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.join(' ')} ended with ${status ?? error}\n${stdout}${stderr}`);
}

/** Uses what it imports, and the other module system: both must lead to the same classes. */
const program = other => `
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { firstValueFrom, map, mergeMap, type Observable } from 'rxjs';
import { AbortedError, Agent, HTTPConnectionPool, isHTTPClientError, text as toText } from 'rxjs-http-pool';
import { DeadlineSweep, HTTP11ClientProtocol, type ProtocolFactory } from 'rxjs-http-pool/protocol';
import { HTTPTestingController } from 'rxjs-http-pool/testing';
${other.imports}

async function main(): Promise<void> {
${other.first}
  const pool: HTTPConnectionPool = new HTTPConnectionPool({ maxConnectionsPerHost: 2 });
  const agent: Agent = new Agent({ pool });
  if (!(pool instanceof HTTPConnectionPool) || agent.pool !== pool) throw new Error('the agent has another pool');

  const error: unknown = await firstValueFrom(agent.get('not a URL')).catch((error: unknown) => error);
  if (!isHTTPClientError(error)) throw new Error('an invalid URL must be an HTTPClientError', { cause: error });
  if (isHTTPClientError(new Error('other'))) throw new Error('isHTTPClientError takes everything');

  const server = createServer((request, response) => response.end(\`hello from \${request.url}\`));
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const text$: Observable<string> = agent.get(\`http://127.0.0.1:\${port}/path\`).pipe(
    mergeMap(response => response.text()),
    map(text => text.toUpperCase()),
  );
  const text = await firstValueFrom(text$);
  if (text !== 'HELLO FROM /PATH') throw new Error(\`unexpected: \${text}\`);
  // What Node has for TLS is loaded now, and not before.
  const refused: unknown = await firstValueFrom(agent.get(\`https://127.0.0.1:\${port}/\`)).catch((error: unknown) => error);
  if (!isHTTPClientError(refused, 'ERR_CONNECT')) throw new Error('no TLS error', { cause: refused });
  await firstValueFrom(pool.close());
  server.close();

  const controller = new HTTPTestingController();
  if (!(controller.agent instanceof Agent)) throw new Error('the testing kit has classes of its own');
  const answered = firstValueFrom(controller.agent.get('/x').pipe(toText()));
  controller.expectOne('/x').flush('from a test');
  if ((await answered) !== 'from a test') throw new Error('the testing kit does not answer');
  controller.verify();

  let made = 0;
  const protocolFactory: ProtocolFactory = (transport, context) => {
    if (!(context.deadlines instanceof DeadlineSweep)) throw new Error('the protocol has classes of its own');
    made++;
    return new HTTP11ClientProtocol(transport, context);
  };
  const own = new HTTPTestingController({ pool: { protocolFactory } });
  const aborted = firstValueFrom(own.agent.get('/x')).catch((error: unknown) => error);
  own.expectOne('/x');
  await firstValueFrom(own.agent.pool.close({ gracePeriod: 0 }));
  if (!((await aborted) instanceof AbortedError) || made !== 1) throw new Error('the protocol has errors of its own');
${other.check}
  console.log('ok');
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
`;

const same = `if (other.HTTPConnectionPool !== HTTPConnectionPool) throw new Error('import and require give two classes');`;
const first = `
  const { moduleLoadList } = process as unknown as { readonly moduleLoadList: readonly string[] };
  const early = moduleLoadList.filter(name => ['tls', 'crypto', 'fs/promises'].some(late => name === \`NativeModule \${late}\`));
  if (early.length > 0) throw new Error(\`loaded before it is used: \${early.join()}\`);`;
const programs = {
  commonjs: program({ imports: '', first, check: `  const other = await import('rxjs-http-pool');\n  ${same}` }),
  module: program({
    imports: `import { createRequire } from 'node:module';`,
    first,
    check: `  const other = createRequire(import.meta.url)('rxjs-http-pool') as typeof import('rxjs-http-pool');\n  ${same}`,
  }),
};
/** A bundle holds a copy of its own, there is no other to compare with. */
const bundled = program({ imports: '', first: '', check: '' });

const strict = { strict: true, target: 'ES2022', lib: ['ES2022'], types: ['node'], skipLibCheck: false, rootDir: '.' };

const consumers = {
  nodenext(directory, type) {
    writeFileSync(join(directory, 'main.ts'), programs[type]);
    const compilerOptions = { ...strict, module: 'nodenext', outDir: 'out' };
    writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['main.ts'] }));
    run(directory, process.execPath, tsc, '-p', '.');
    return 'out/main.js';
  },
  bundler(directory, type) {
    writeFileSync(join(directory, 'main.ts'), bundled);
    const compilerOptions = { ...strict, module: 'preserve', moduleResolution: 'bundler', noEmit: true };
    writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['main.ts'] }));
    run(directory, process.execPath, tsc, '-p', '.');
    const { metafile } = esbuild.buildSync({
      absWorkingDir: directory,
      entryPoints: ['main.ts'],
      bundle: true,
      platform: 'node',
      format: type === 'module' ? 'esm' : 'cjs',
      outfile: 'out/main.js',
      metafile: true,
    });
    const inputs = Object.keys(metafile.inputs);
    if (!inputs.some(input => input.includes('/rxjs-http-pool/dist/esm/'))) {
      throw new Error(`a bundler must take the ES modules, but it took:\n${inputs.join('\n')}`);
    }
    return 'out/main.js';
  },
};

const workspace = mkdtempSync(join(tmpdir(), 'consumers-'));
let failed = 0;
try {
  const pack = run(root, 'npm', 'pack', '--ignore-scripts', '--json', '--pack-destination', workspace);
  const tarball = join(workspace, JSON.parse(pack)[0].filename);
  for (const type of ['commonjs', 'module']) {
    for (const [resolution, build] of Object.entries(consumers)) {
      const directory = join(workspace, `${type}-${resolution}`);
      mkdirSync(directory);
      writeFileSync(join(directory, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type }));
      try {
        // The package itself has no dependencies, so this needs no network; its peers are those of this repository.
        const quiet = ['--no-audit', '--no-fund', '--no-save', '--no-package-lock', '--ignore-scripts'];
        run(directory, 'npm', 'install', '--offline', '--legacy-peer-deps', ...quiet, tarball);
        mkdirSync(join(directory, 'node_modules/@types'));
        for (const peer of ['rxjs', '@types/node']) {
          symlinkSync(join(root, 'node_modules', peer), join(directory, 'node_modules', peer), 'dir');
        }
        const output = run(directory, process.execPath, build(directory, type));
        if (output.trim() !== 'ok') throw new Error(`it printed ${JSON.stringify(output)}`);
        console.log(`ok      ${type} × ${resolution}`);
      } catch (error) {
        failed++;
        console.error(`FAILED  ${type} × ${resolution}\n${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
} finally {
  rmSync(workspace, { recursive: true, force: true });
}
process.exit(failed === 0 ? 0 : 1);
