import ts from 'typescript'

/** One module specifier in a file. */
export interface Import {
  specifier: string
  line: number
  /** Erased by the compiler. */
  typeOnly: boolean
  /** Everything it brings in is exported again, and nothing else done with it by way of `export ... from`. */
  reexport: boolean
}

/** One read of `process.env`; `name` is undefined where it is not one variable that is read. */
export interface EnvironmentRead {
  name: string | undefined
  line: number
}

/** What a file imports, in every spelling there is, and what it reads of the environment. */
export function readModule(
  file: string,
  text: string,
): { imports: Import[]; environment: EnvironmentRead[] } {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const exported = exportedNames(source)
  const imports: Import[] = []
  const environment: EnvironmentRead[] = []
  const lineOf = (node: ts.Node) => source.getLineAndCharacterOfPosition(node.getStart()).line + 1
  const add = (node: ts.Node, specifier: ts.Node | undefined, typeOnly: boolean, reexport = false) => {
    if (specifier && ts.isStringLiteralLike(specifier)) {
      imports.push({ specifier: specifier.text, line: lineOf(node), typeOnly, reexport })
    }
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      add(
        node,
        node.moduleSpecifier,
        isTypeImport(node.importClause),
        isReexport(node.importClause, exported),
      )
      if (importsEnvironment(node)) environment.push({ name: undefined, line: lineOf(node) })
    } else if (ts.isExportDeclaration(node)) {
      add(node, node.moduleSpecifier, isTypeExport(node), true)
    } else if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference)) {
      add(node, node.moduleReference.expression, node.isTypeOnly, exported.has(node.name.text))
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node, node.argument.literal, true)
    } else if (ts.isCallExpression(node) && isLoad(node)) {
      add(node, node.arguments[0], false)
    } else if (isEnvironment(node)) {
      environment.push({ name: variableRead(node), line: lineOf(node) })
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return { imports, environment }
}

const isLoad = ({ expression }: ts.CallExpression): boolean =>
  expression.kind === ts.SyntaxKind.ImportKeyword ||
  (ts.isIdentifier(expression) && expression.text === 'require') ||
  (ts.isPropertyAccessExpression(expression) && expression.getText() === 'require.resolve')

/** `import {} from` and `import 'x'` run the module, so they are no type imports. */
function isTypeImport(clause: ts.ImportClause | undefined): boolean {
  if (!clause) return false
  if (clause.isTypeOnly) return true
  const { name, namedBindings } = clause
  if (name || !namedBindings || !ts.isNamedImports(namedBindings)) return false
  return namedBindings.elements.length > 0 && namedBindings.elements.every((element) => element.isTypeOnly)
}

function isTypeExport({ isTypeOnly, exportClause }: ts.ExportDeclaration): boolean {
  if (isTypeOnly) return true
  if (!exportClause || !ts.isNamedExports(exportClause)) return false
  return exportClause.elements.length > 0 && exportClause.elements.every((element) => element.isTypeOnly)
}

function exportedNames(source: ts.SourceFile): Set<string> {
  const names = new Set<string>()
  for (const statement of source.statements) {
    if (ts.isExportAssignment(statement) && ts.isIdentifier(statement.expression))
      names.add(statement.expression.text)
    if (!ts.isExportDeclaration(statement) || statement.moduleSpecifier || !statement.exportClause) continue
    if (!ts.isNamedExports(statement.exportClause)) continue
    for (const { name, propertyName } of statement.exportClause.elements)
      names.add((propertyName ?? name).text)
  }
  return names
}

function isReexport(clause: ts.ImportClause | undefined, exported: ReadonlySet<string>): boolean {
  if (!clause) return false
  const names = clause.name ? [clause.name.text] : []
  const bindings = clause.namedBindings
  if (bindings && ts.isNamespaceImport(bindings)) names.push(bindings.name.text)
  else if (bindings) names.push(...bindings.elements.map((element) => element.name.text))
  return names.length > 0 && names.every((name) => exported.has(name))
}

const isNamed = (node: ts.Node, name: string): boolean =>
  (ts.isIdentifier(node) && node.text === name) ||
  (ts.isPropertyAccessExpression(node) && node.name.text === name) ||
  (ts.isElementAccessExpression(node) &&
    ts.isStringLiteralLike(node.argumentExpression) &&
    node.argumentExpression.text === name)

/** `process.env`, in whatever spelling, and `const { env } = process`. */
function isEnvironment(node: ts.Node): boolean {
  if (ts.isPropertyAccessExpression(node) || ts.isElementAccessExpression(node)) {
    return isNamed(node, 'env') && isNamed(node.expression, 'process')
  }
  return (
    ts.isVariableDeclaration(node) &&
    ts.isObjectBindingPattern(node.name) &&
    node.initializer !== undefined &&
    isNamed(node.initializer, 'process') &&
    node.name.elements.some(({ name, propertyName }) => (propertyName ?? name).getText() === 'env')
  )
}

const importsEnvironment = ({ moduleSpecifier, importClause }: ts.ImportDeclaration): boolean => {
  if (!ts.isStringLiteral(moduleSpecifier) || !/^(node:)?process$/.test(moduleSpecifier.text)) return false
  const bindings = importClause?.namedBindings
  if (!bindings || !ts.isNamedImports(bindings)) return false
  return bindings.elements.some(({ name, propertyName }) => (propertyName ?? name).text === 'env')
}

function variableRead({ parent }: ts.Node): string | undefined {
  if (ts.isPropertyAccessExpression(parent)) return parent.name.text
  if (ts.isElementAccessExpression(parent) && ts.isStringLiteralLike(parent.argumentExpression)) {
    return parent.argumentExpression.text
  }
  return undefined
}
