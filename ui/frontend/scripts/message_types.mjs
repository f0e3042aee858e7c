// Writes src/messages.d.ts: types of the bus's messages, as far as the page is given them, from their JSON Schemas.
//
// `--check` writes nothing and fails if what is committed is not what the schemas give.

import { readFileSync, writeFileSync } from "node:fs"

// What the server passes on of each message, as it is or in part.
const MESSAGES = ["State", "Status", "Event", "Runs", "Channels", "History", "Forked"]
const SCHEMAS = new URL("../../../docs/schemas/", import.meta.url)
const TARGET = new URL("../src/messages.d.ts", import.meta.url)
const HEAD = "// Generated from docs/schemas by scripts/message_types.mjs: do not edit.\n"

function typeOf(schema) {
  if (schema.$ref) return schema.$ref.split("/").at(-1)
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(" | ")
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ")
  switch (schema.type) {
    case "number":
    case "integer":
      return "number"
    case "string":
    case "boolean":
    case "null":
      return schema.type
    case "array":
      return `(${typeOf(schema.items)})[]`.replace(/^\((\w+)\)/, "$1")
    case "object":
      return `Record<string, ${schema.additionalProperties ? typeOf(schema.additionalProperties) : "unknown"}>`
    default:
      throw new Error(`no type for ${JSON.stringify(schema)}`)
  }
}

// Fields with a default may be left out by others, but never are by the server.
function declaration(name, { description, properties }) {
  const fields = Object.entries(properties).map(([field, schema]) => `    ${field}: ${typeOf(schema)}\n`)
  const meaning = description.replaceAll(/\s+/g, " ")
  return `  /** ${meaning} */\n  interface ${name} {\n${fields.join("")}  }\n`
}

const declarations = new Map()
for (const message of MESSAGES) {
  const { $defs } = JSON.parse(readFileSync(new URL(`${message}.json`, SCHEMAS), "utf8"))
  for (const [name, schema] of Object.entries($defs)) declarations.set(name, declaration(name, schema))
}
const text = `${HEAD}\ndeclare namespace bus {\n${[...declarations.values()].join("\n")}}\n`
if (!process.argv.includes("--check")) writeFileSync(TARGET, text)
else if (readFileSync(TARGET, "utf8") !== text) {
  console.error("src/messages.d.ts is not what docs/schemas gives: run `npm run types`")
  process.exit(1)
}
