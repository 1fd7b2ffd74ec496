/**
 * `await using` asks for this symbol. Node 20 has given it to its own realm only: in the realm that jest 29 makes for each test file there
 * is none, and whatever opens there could be closed by hand alone. Loaded before every class that has the method.
 */
if (!Reflect.has(Symbol, 'asyncDispose'))
  Object.defineProperty(Symbol, 'asyncDispose', { value: Symbol('Symbol.asyncDispose') })
