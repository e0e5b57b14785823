// Parses each query of a JSON array with Grafana's own grammar of LogQL: logql.mjs FILE.
import { readFileSync } from "node:fs";
import { parser } from "@grafana/lezer-logql";

const errors = (query) => {
    const places = [];
    parser.parse(query).iterate({ enter: (node) => void (node.type.isError && places.push(node.from)) });
    return places;
};
if (errors('sum(rate({unit="x"} | jsn [5m]').length === 0) throw new Error("the grammar takes anything");
const queries = JSON.parse(readFileSync(process.argv[2], "utf8"));
if (queries.length === 0) throw new Error("no query");
for (const query of queries) {
    const places = errors(query);
    if (places.length > 0) throw new Error(`at ${places}: ${query}`);
}
console.log(`${queries.length} queries parsed`);
