// A fresh process: first_request.mjs LIBRARY ORIGIN prints how long import, connect and one GET took, in ms.
const [name, origin] = process.argv.slice(2);
const began = performance.now();
const url = `${origin}/json`;

async function get() {
  if (name === 'undici') {
    const { request } = await import('undici');
    return (await request(url)).body.text();
  }
  const { firstValueFrom } = await import('rxjs');
  const { Agent, text } = (await import('../lib/build.mjs')).library;
  return firstValueFrom(new Agent().get(url).pipe(text()));
}

const body = await get();
const elapsed = performance.now() - began;
const { user, system } = process.cpuUsage();
if (!body.startsWith('{"id":42')) throw new Error(`Another body: ${body}`);
process.stdout.write(`${JSON.stringify({ elapsed, cpu: (user + system) / 1_000 })}\n`, () => process.exit());
