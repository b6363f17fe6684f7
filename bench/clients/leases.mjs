// Pools without I/O: a resource is acquired, awaited, and given back.
import { createPool } from 'generic-pool';
import { firstValueFrom, Observable } from 'rxjs';
import { Pool } from 'tarn';
import { library } from '../lib/build.mjs';
import { stillEndpoint } from './still.mjs';

const { HTTPConnectionPool } = library;

const size = 50;
const loops = 200;

/** One operation of the worker is so many acquires, one after the other, as one would not be worth a clock call. */
function repeated(once) {
  return {
    unit: loops,
    start: done => {
      const run = async () => {
        for (let i = 0; i < loops; i++) await once();
      };
      run().then(() => done(), done);
    },
  };
}

const lease = options => {
  const pool = new HTTPConnectionPool({ maxConnectionsPerHost: size, ...options });
  const endpoint$ = stillEndpoint(Observable);
  return repeated(async () => {
    const protocol = await firstValueFrom(pool.get('key', endpoint$));
    protocol.release();
  });
};

export const ours = () => lease({ validateIdle: false });
export const validated = () => lease({});

export function genericPool() {
  const pool = createPool({ create: async () => ({}), destroy: async () => undefined }, { max: size });
  return repeated(async () => {
    const resource = await pool.acquire();
    pool.release(resource);
  });
}

export function tarn() {
  const pool = new Pool({ create: async () => ({}), destroy: async () => undefined, min: 0, max: size });
  return repeated(async () => {
    const resource = await pool.acquire().promise;
    pool.release(resource);
  });
}
