import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const root = join(__dirname, '../..');

/** Names that other libraries were attacked by, and those of the mechanics of the language. */
const gadgets = [
  ...[
    'auth',
    'proxy',
    'socketPath',
    'transport',
    'agent',
    'dispatcher',
    'adapter',
    'getHeaders',
    'retry',
    'maxRedirects',
  ],
  ...['onread', 'fd', 'handle', 'socket', 'timeout', 'isServer', 'session', 'secureContext', 'pskCallback'],
  ...['subscribe', 'lift', 'enumerable', 'type', 'name', 'value', 'done', 'status', 'closed', 'destroy', 'size'],
];

/**
 * Names of events of sockets: Node looks for listeners under them in an object with a prototype. A polluted one keeps its
 * sockets from working at all, ours as all others.
 */
const events = ['connect', 'lookup', 'pause', 'resume', 'session', 'timeout'];

/** Names that belong to `Object.prototype` already. */
const native = new Set(Object.getOwnPropertyNames(Object.prototype));

/** Every name of an option, and of whatever else an object that is given to the library may have: from its types. */
export function optionNames(): string[] {
  const golden = join(root, 'spec/public-api.golden.d.ts');
  const names = new Set(gadgets);
  // Not those of the testing kit, which meets no attacker.
  const [text] = readFileSync(golden, 'utf8').split('// ---- rxjs-http-pool/testing ----');
  const source = ts.createSourceFile(golden, text, ts.ScriptTarget.Latest, true);
  const visit = (node: ts.Node): void => {
    const member = ts.isPropertySignature(node) || ts.isMethodSignature(node);
    if (member && ts.isIdentifier(node.name)) names.add(node.name.text);
    ts.forEachChild(node, visit);
  };
  visit(source);
  // Of types that say "as in node:tls" the names stand elsewhere.
  for (const name of ['ca', 'cert', 'key', 'pfx', 'passphrase', 'ciphers', 'minVersion', 'maxVersion']) names.add(name);
  names.add('checkServerIdentity');
  for (const name of events) names.delete(name);
  // Node's own streams and TLS read it of objects with a prototype: polluted, no connection works at all.
  names.delete('encoding');
  return [...names].filter(name => !native.has(name)).sort();
}

/** Every name of a property that `src/` reads, of its own objects as well. */
export function namesRead(): string[] {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.name)) names.add(node.name.text);
    if (ts.isBindingElement(node) && ts.isObjectBindingPattern(node.parent)) {
      names.add((node.propertyName ?? node.name).getText());
    }
    ts.forEachChild(node, visit);
  };
  for (const file of readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    const text = readFileSync(join(root, 'src', file), 'utf8');
    visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true));
  }
  // An inherited getter of these would make every property descriptor invalid, ours and others'.
  for (const name of ['get', 'set']) names.delete(name);
  // Read by the language itself, of every iterator.
  names.delete('return');
  return [...names].filter(name => !native.has(name) && /^\w+$/.test(name)).sort();
}
