import { connect } from 'node:tls';
import { firstValueFrom } from 'rxjs';
import { Agent, isHTTPClientError } from 'rxjs-http-pool';

// unverified PORT: what a server whose certificate nobody can verify comes to, in the environment that there is, for Node
// and for an agent.

const port = Number(process.argv[2]);

async function node(): Promise<string> {
  return new Promise(resolve => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('secureConnect', () => resolve('connected'));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.once('close', () => socket.destroy());
  });
}

async function ours(options: object): Promise<string> {
  const agent = new Agent(options);
  return firstValueFrom(agent.get(`https://127.0.0.1:${port}/`)).then(
    () => 'connected',
    (error: unknown) => (isHTTPClientError(error) ? (error.cause as NodeJS.ErrnoException).code! : String(error)),
  );
}

void (async () => {
  const outcomes = {
    node: await node(),
    left: await ours({}),
    undefined: await ours({ connect: { rejectUnauthorized: undefined } }),
  };
  console.log(JSON.stringify(outcomes));
  process.exit();
})();
