import { firstValueFrom } from 'rxjs';
import type { Endpoint } from '../../src/endpoint/index.js';
import { ConnectError } from '../../src/errors/index.js';

/** The error of a dial that must fail. */
export async function failure(endpoint$: Endpoint): Promise<ConnectError> {
  const error: unknown = await firstValueFrom(endpoint$).then(
    transport => {
      transport.destroy();
      return new Error('the dial succeeded');
    },
    (reason: unknown) => reason,
  );
  if (error instanceof ConnectError) return error;
  throw error;
}
