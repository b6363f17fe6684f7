// Lists what each entry exports, as declarations sorted by name: the public API on one page.
// Fails if one of them speaks of a type of ours that no entry exports.
//   node scripts/public-api.mjs            prints it
//   node scripts/public-api.mjs --update   writes spec/public-api.golden.d.ts
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const golden = join(root, 'spec/public-api.golden.d.ts');
const types = join(root, 'dist/types'); // where the declarations would lie; nothing is written there

function fail(diagnostics) {
  console.error(ts.formatDiagnostics(diagnostics, { ...host, getNewLine: () => '\n', getCanonicalFileName: f => f }));
  process.exit(1);
}

const parsed = ts.getParsedCommandLineOfConfigFile(join(root, 'tsconfig.build.esm.json'), undefined, {
  ...ts.sys,
  onUnRecoverableConfigFileDiagnostic: diagnostic => fail([diagnostic]),
});
const host = ts.createCompilerHost(parsed.options);
/** What the package exports, and where it is written. */
const entries = {
  'rxjs-http-pool': 'index',
  'rxjs-http-pool/protocol': 'protocol/public',
  'rxjs-http-pool/testing': 'testing/index',
};

/** The declarations as users get them: emitted, with what is @internal stripped. */
const emitted = new Map();
const source = ts.createProgram(
  Object.values(entries).map(entry => join(root, `src/${entry}.ts`)),
  { ...parsed.options, noEmitOnError: false, declarationMap: false },
  host,
);
const { diagnostics } = source.emit(undefined, (file, text) => emitted.set(file, text), undefined, true);
if (diagnostics.length > 0) fail(diagnostics);

const overlay = {
  ...host,
  fileExists: file => emitted.has(file) || host.fileExists(file),
  readFile: file => emitted.get(file) ?? host.readFile(file),
  directoryExists: directory => directory.startsWith(types) || (host.directoryExists?.(directory) ?? true),
  getSourceFile: (file, options) =>
    emitted.has(file) ? ts.createSourceFile(file, emitted.get(file), options, true) : host.getSourceFile(file, options),
};
const declared = entry => join(types, `${entry}.d.ts`);
const program = ts.createProgram(Object.values(entries).map(declared), { ...parsed.options, noEmit: true }, overlay);
const checker = program.getTypeChecker();
const printer = ts.createPrinter({ removeComments: true });

const isPrivate = node =>
  !ts.isConstructorDeclaration(node) && // says that nobody else may construct it
  ((ts.canHaveModifiers(node) && ts.getModifiers(node)?.some(m => m.kind === ts.SyntaxKind.PrivateKeyword)) ||
    (node.name && ts.isPrivateIdentifier(node.name)));
/** Without the members that are private: they are nobody's business. */
const withoutPrivate = context => node => {
  const visit = child => (isPrivate(child) ? undefined : ts.visitEachChild(child, visit, context));
  return ts.visitEachChild(node, visit, context);
};

const print = declaration => {
  const statement = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
  const { transformed } = ts.transform(statement, [withoutPrivate]);
  return printer
    .printNode(ts.EmitHint.Unspecified, transformed[0], statement.getSourceFile())
    .replace(/^(export )?(declare )?/, 'export ');
};

const target = symbol => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol);
const byName = (a, b) => (a.name < b.name ? -1 : 1);
const exportsOf = entry =>
  checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(declared(entry))) ?? []).sort(byName);

const exported = new Set(Object.values(entries).flatMap(exportsOf).map(target));
/** Says which types of ours a declaration speaks of that users have no name for, as no entry exports them. */
function reportLeaks(name, declaration) {
  const visit = node => {
    if (isPrivate(node)) return;
    const base = ts.isExpressionWithTypeArguments(node) ? node.expression : undefined;
    const reference = base ?? node.typeName ?? node.qualifier ?? node.exprName;
    const symbol = reference && checker.getSymbolAtLocation(reference);
    const type = symbol && target(symbol);
    const isOurs = type?.declarations?.some(each => emitted.has(each.getSourceFile().fileName));
    if (isOurs && !(type.flags & ts.SymbolFlags.TypeParameter) && !exported.has(type)) {
      console.error(`${name} speaks of ${type.name}, which no entry exports`);
      process.exitCode = 1;
    }
    ts.forEachChild(node, visit);
  };
  visit(declaration);
}

const apiOf = entry =>
  exportsOf(entry).map(given => {
    const symbol = target(given);
    const renamed = symbol.name === given.name ? '' : `// ${given.name}:\n`;
    symbol.declarations?.forEach(declaration => reportLeaks(given.name, declaration));
    return renamed + (symbol.declarations ?? []).map(print).join('\n');
  });

const parts = Object.entries(entries).map(([name, entry]) => [`// ---- ${name} ----`, ...apiOf(entry)].join('\n\n'));
const text = `// Written by \`npm run api:update\`: every name that the package exports. A change here is a change for users.\n\n${parts.join('\n\n')}\n`;
if (process.argv.includes('--update')) writeFileSync(golden, text);
else process.stdout.write(text);
