// run FILE...: runs the blocks in these files, one after the other, against a site of their own; what each printed is the
// result, as JSON.
import { readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { site } from './site.js';

const settled = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 20));

async function main(files: readonly string[]): Promise<void> {
  const server = site().listen(0, '127.0.0.1');
  await new Promise(resolve => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const results: string[][] = [];
  const { log } = console;
  for (const file of files) {
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll('8080', String(port)));
    const printed: string[] = [];
    console.log = (...values: unknown[]) => printed.push(values.map(value => inspect(value)).join(' '));
    await import(file);
    // What was subscribed to and not awaited.
    for (let waited = 0; printed.length === 0 && waited < 200; waited++) await settled();
    results.push(printed);
  }
  console.log = log;
  log(JSON.stringify(results));
  process.exit(0);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
