// Checks the arrows between the rooms of src/: node scripts/arrows.mjs [directory]
// A file may import the files of its own room, and of another room only its index.js, and only of a room listed here.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { isBuiltin } from 'node:module';
import ts from 'typescript';

const leaves = ['errors', 'events', 'timing'];
const core = [...leaves, 'wire', 'endpoint', 'protocol', 'pool', 'agent', 'interceptors', 'operators'];
const network = /^node:(net|tls|http|https|http2|dns|dgram)(\/|$)/;

/**
 * What each room may import: `rooms`, the `root` index (what is an entry of its own takes the classes from there, so that
 * there is one of each in a process), and packages beside the built-in ones of Node (`packages`, less `never`).
 */
const house = {
  errors: { rooms: [], packages: [], never: [network] },
  timing: { rooms: [], packages: [/^rxjs$/], never: [network] },
  events: { rooms: ['errors'], typesOnly: ['errors'], packages: [/^rxjs$/], never: [network] },
  wire: { rooms: ['errors'], packages: [], never: [network] },
  endpoint: { rooms: ['wire', ...leaves], packages: [/^rxjs$/, /^socks$/] },
  protocol: { rooms: ['endpoint', 'wire', ...leaves], packages: [/^rxjs$/] },
  pool: { rooms: ['protocol', 'endpoint', ...leaves], packages: [/^rxjs$/] },
  agent: { rooms: ['pool', 'protocol', 'endpoint', 'wire', ...leaves], packages: [/^rxjs$/] },
  interceptors: { rooms: ['agent', 'protocol', ...leaves], packages: [/^rxjs$/] },
  operators: { rooms: ['agent', 'protocol', 'wire', ...leaves], packages: [/^rxjs$/] },
  testing: { rooms: core, root: true, packages: [/^rxjs(\/testing)?$/] },
  nestjs: { rooms: core, root: true, packages: [/^rxjs$/, /^@nestjs\//] },
  angular: { rooms: core, root: true, packages: [/^rxjs$/, /^@angular\//] },
  '.': { rooms: core, packages: [] }, // the root: src/index.ts
};

const root = resolve(process.argv[2] ?? 'src');
const problems = [];
/** @type {Map<string, string[]>} file → the files of src/ that it imports */
const graph = new Map();

const name = file => relative(root, file).split(sep).join('/');
const roomOf = file => (name(file).includes('/') ? name(file).split('/')[0] : '.');

/** Every module specifier of a file: static, dynamic, required, re-exported and in types. */
function importsOf(file) {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  const found = [];
  const add = (literal, typeOnly) => {
    if (literal && ts.isStringLiteralLike(literal)) {
      const { line } = source.getLineAndCharacterOfPosition(literal.getStart(source));
      found.push({ specifier: literal.text, typeOnly, line: line + 1 });
    }
  };
  const allTypes = elements => elements !== undefined && elements.length > 0 && elements.every(e => e.isTypeOnly);
  const visit = node => {
    if (ts.isImportDeclaration(node)) {
      const clause = node.importClause;
      const named = clause?.namedBindings && ts.isNamedImports(clause.namedBindings) ? clause.namedBindings : undefined;
      add(node.moduleSpecifier, !!clause && (clause.isTypeOnly || (!clause.name && allTypes(named?.elements))));
    } else if (ts.isExportDeclaration(node)) {
      const named = node.exportClause && ts.isNamedExports(node.exportClause) ? node.exportClause : undefined;
      add(node.moduleSpecifier, node.isTypeOnly || allTypes(named?.elements));
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal, true);
    } else if (ts.isExternalModuleReference(node)) {
      add(node.expression, false);
    } else if (
      ts.isCallExpression(node) &&
      (node.expression.kind === ts.SyntaxKind.ImportKeyword || node.expression.getText(source) === 'require')
    ) {
      add(node.arguments[0], false);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function check(file) {
  const room = roomOf(file);
  const rules = house[room];
  const targets = [];
  graph.set(file, targets);
  if (!rules) return problems.push(`${name(file)}: the room '${room}' has no place in the house (scripts/arrows.mjs)`);
  if (room === '.' && name(file) !== 'index.ts') problems.push(`${name(file)}: only index.ts lives outside of a room`);

  for (const { specifier, typeOnly, line } of importsOf(file)) {
    const report = text => problems.push(`${name(file)}:${line}: ${text}`);
    if (!specifier.startsWith('.')) {
      const allowed = isBuiltin(specifier)
        ? specifier.startsWith('node:') && !rules.never?.some(pattern => pattern.test(specifier))
        : rules.packages.some(pattern => pattern.test(specifier));
      if (!allowed) report(`'${specifier}' may not be imported in '${room}'`);
      continue;
    }
    if (!specifier.endsWith('.js')) {
      report(`'${specifier}' must be written with its .js extension`);
      continue;
    }
    const target = resolve(dirname(file), specifier).replace(/\.js$/, '.ts');
    const to = roomOf(target);
    if (relative(root, target).startsWith('..')) report(`'${specifier}' is outside of the sources`);
    else if (!existsSync(target)) report(`'${specifier}' does not exist`);
    else {
      targets.push(target);
      if (to === room) continue;
      if (to === '.' && rules.root) continue;
      if (to === '.') report(`the root index is for users, not for the rooms`);
      else if (!rules.rooms.includes(to)) report(`'${room}' may not import '${to}': arrows point down only`);
      else if (name(target) !== `${to}/index.ts`) report(`'${specifier}' reaches into '${to}': import its index.js`);
      else if (!typeOnly && rules.typesOnly?.includes(to)) report(`'${room}' may import only types of '${to}'`);
    }
  }
}

/** Depth first; an edge back into the current path is a circle. Type imports count too. */
function findCircles() {
  const done = new Set();
  const path = [];
  const walk = file => {
    if (done.has(file)) return;
    const at = path.indexOf(file);
    if (at >= 0) return problems.push(`circle: ${[...path.slice(at), file].map(name).join(' → ')}`);
    path.push(file);
    for (const target of graph.get(file) ?? []) walk(target);
    path.pop();
    done.add(file);
  };
  for (const file of graph.keys()) walk(file);
}

if (!existsSync(root)) {
  console.error(`arrows: no such directory: ${root}`);
  process.exit(2);
}
for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
  if (entry.isFile() && entry.name.endsWith('.ts')) check(join(entry.parentPath, entry.name));
}
findCircles();
for (const problem of problems) console.error(problem);
console.log(`arrows: ${graph.size} files, ${problems.length} problems`);
if (graph.size === 0) console.error('arrows: nothing was checked');
process.exit(problems.length > 0 || graph.size === 0 ? 1 : 0);
