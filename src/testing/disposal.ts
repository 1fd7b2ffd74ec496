/**
 * `using` and `await using` ask for these symbols. Node 20 has given them to its own realm only: in the realm that jest 29 makes for each test
 * file there are none, and whatever opens there could be closed by hand alone. Loaded before every class that has one of the methods.
 */
for (const name of ['dispose', 'asyncDispose'])
  if (!Reflect.has(Symbol, name)) Object.defineProperty(Symbol, name, { value: Symbol(`Symbol.${name}`) })
