import { rawServer } from './rawServer.js';

/** A port that nobody listens on. */
export async function refusedPort(): Promise<number> {
  const server = await rawServer();
  await server.close();
  return server.port;
}
