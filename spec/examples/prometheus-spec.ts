import { describe, expect, it } from '@jest/globals';
import { HTTPConnectionPool } from 'rxjs-http-pool';
import { prometheus, sample } from '../../examples/prometheus.js';

describe('the metrics of examples/', () => {
  it('are what Prometheus reads: a type and a value for each, named and escaped by its rules', async () => {
    const text = await sample(3);
    expect(text).toContain('# TYPE http_pool_idle gauge\nhttp_pool_idle{pool="default"} 1\n');
    expect(text).toContain('# TYPE http_pool_opened_total counter\nhttp_pool_opened_total{pool="default"} 1\n');
    expect(text).toContain('http_pool_leases_total{pool="default"} 3\n');
    for (const line of text.trimEnd().split('\n')) {
      expect(line).toMatch(/^# TYPE [a-z_]+ (gauge|counter)$|^[a-z_]+\{pool="default"\} \d+$/);
    }
  });

  it('name the pool', () => {
    expect(prometheus(new HTTPConnectionPool().stats(), 'a "b"\n\\')).toContain('{pool="a \\"b\\"\\n\\\\"} 0');
  });
});
