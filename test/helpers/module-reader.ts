import ts from 'typescript'

/** One module specifier in a file. */
export interface Import {
  specifier: string
  line: number
  /** Erased by the compiler. */
  typeOnly: boolean
}

/** One read of `process.env`; `name` is undefined where it is not one variable that is read. */
export interface EnvironmentRead {
  name: string | undefined
  line: number
}

export interface ReadModule {
  imports: Import[]
  environment: EnvironmentRead[]
  /** Those of the top level. */
  statements: { line: number; isReexport: boolean }[]
  /** What stands before the first statement. */
  comment: string
}

/** What a file imports, in every spelling there is, what it reads of the environment, and what it consists of. */
export function readModule(file: string, text: string): ReadModule {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const imports: Import[] = []
  const environment: EnvironmentRead[] = []
  const lineOf = (node: ts.Node) => source.getLineAndCharacterOfPosition(node.getStart()).line + 1
  const add = (node: ts.Node, specifier: ts.Node | undefined, typeOnly: boolean) => {
    if (specifier && ts.isStringLiteralLike(specifier)) {
      imports.push({ specifier: specifier.text, line: lineOf(node), typeOnly })
    }
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      add(node, node.moduleSpecifier, isTypeImport(node.importClause))
      if (importsEnvironment(node)) environment.push({ name: undefined, line: lineOf(node) })
    } else if (ts.isExportDeclaration(node)) {
      add(node, node.moduleSpecifier, isTypeExport(node))
    } else if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference)) {
      add(node, node.moduleReference.expression, node.isTypeOnly)
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
  const statements = source.statements.map((node) => ({
    line: lineOf(node),
    isReexport: ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined,
  }))
  const comment = text.slice(0, source.statements[0]?.getStart() ?? text.length)
  return { imports, environment, statements, comment }
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
