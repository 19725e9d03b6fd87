// Microsoft's own parser of KQL, asked about queries: node kql.mjs < {"tables": {name: schema}, "queries": [text]}
// prints, for each query, a list of what is wrong with it.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

globalThis.window = globalThis; // the library is made for browsers
const require = createRequire(import.meta.url);
require("@kusto/language-service-next/bridge.js");
require("@kusto/language-service-next/Kusto.Language.Bridge.js");
const { GlobalState, KustoCode, Symbols } = globalThis.Kusto.Language;

const { tables, queries } = JSON.parse(readFileSync(0, "utf8"));
const symbols = Object.entries(tables).map(([name, schema]) => Symbols.TableSymbol.From(schema).WithName(name));
const globals = GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.ctor("workspace", symbols));
const wrong = queries.map((query) => {
  const found = KustoCode.ParseAndAnalyze(query, globals).GetDiagnostics();
  return Array.from({ length: found.Count }, (_, index) => found.getItem(index).Message);
});
console.log(JSON.stringify(wrong));
