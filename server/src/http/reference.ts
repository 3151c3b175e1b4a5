/** The contract for people: the same document as a page, and as the text that stands in docs/reference. */
import { PROBLEMS } from './problem.ts'
import { pageOf, prose, safe } from './page.ts'

export interface Contract {
  readonly info?: { readonly description?: string }
  readonly paths?: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components?: { readonly schemas?: Readonly<Record<string, Schema>> }
}

interface Operation {
  readonly tags?: readonly string[]
  readonly summary?: string
  readonly description?: string
  readonly operationId?: string
  readonly parameters?: readonly {
    name: string
    in: string
    required?: boolean
    description?: string
    schema?: Schema
  }[]
  readonly requestBody?: { readonly content?: Content }
  readonly responses?: Readonly<Record<string, { readonly description?: string; readonly content?: Content }>>
}

type Content = Readonly<Record<string, { readonly schema?: Schema }>>

interface Schema {
  readonly type?: string | readonly string[]
  readonly $ref?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly additionalProperties?: Schema | boolean
  readonly description?: string
  readonly default?: unknown
}

interface Entry extends Operation {
  readonly method: string
  readonly path: string
}

function entriesByTag(contract: Contract): Map<string, Entry[]> {
  const byTag = new Map<string, Entry[]>()
  for (const [path, methods] of Object.entries(contract.paths ?? {})) {
    for (const [method, operation] of Object.entries(methods)) {
      const tag = operation.tags?.[0] ?? 'more'
      byTag.set(tag, [...(byTag.get(tag) ?? []), { ...operation, method: method.toUpperCase(), path }])
    }
  }
  return byTag
}

const DEEPEST = 6

/** A schema in the words of a type. */
function typeOf(schema: Schema | undefined, depth = 0): string {
  if (schema === undefined) return 'nothing'
  if (schema.$ref !== undefined) return schema.$ref.split('/').at(-1) ?? ''
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
  const choices = schema.anyOf ?? schema.oneOf
  if (choices !== undefined) return choices.map((one) => typeOf(one, depth)).join(' | ')
  if (schema.type === 'array') {
    const items = typeOf(schema.items, depth)
    return items.includes(' | ') ? `(${items})[]` : `${items}[]`
  }
  if (schema.type === 'object' || schema.properties !== undefined) return objectOf(schema, depth)
  if (schema.type === undefined) return 'anything'
  return typeof schema.type === 'string' ? schema.type : schema.type.join(' | ')
}

function objectOf({ properties, additionalProperties, required = [] }: Schema, depth: number): string {
  const fields = Object.entries(properties ?? {})
  if (fields.length === 0) {
    return typeof additionalProperties === 'object' ? `{ [name]: ${typeOf(additionalProperties, depth)} }` : 'object'
  }
  if (depth >= DEEPEST) return 'object'
  const indent = '  '.repeat(depth + 1)
  const lines = fields.map(([name, of]) => {
    const note = of.description === undefined ? '' : `  // ${of.description}`
    return `${indent}${name}${required.includes(name) ? '' : '?'}: ${typeOf(of, depth + 1)}${note}`
  })
  return `{\n${lines.join('\n')}\n${'  '.repeat(depth)}}`
}

const bodyOf = (content: Content | undefined) =>
  Object.entries(content ?? {}).map(([media, { schema }]) => ({ media, type: typeOf(schema) }))

export function referencePage(contract: Contract): string {
  const byTag = entriesByTag(contract)
  const nav = [...byTag.keys(), 'shapes', 'problems'].map((tag) => `<a href="#${safe(tag)}">${safe(tag)}</a>`).join('')
  const sections = [...byTag].map(
    ([tag, entries]) => `<h2 id="${safe(tag)}">${safe(tag)}</h2>${entries.map(article).join('')}`,
  )
  const shapes = Object.entries(contract.components?.schemas ?? {}).map(
    ([name, schema]) =>
      `<article id="shape-${safe(name)}"><h3>${safe(name)}</h3><pre>${safe(typeOf(schema))}</pre></article>`,
  )
  const problems = Object.entries(PROBLEMS).map(
    ([code, [status, title]]) =>
      `<tr id="${code}"><td><code>${code}</code></td><td>${status}</td><td>${safe(title)}</td></tr>`,
  )
  const said = (contract.info?.description ?? '').split('\n\n').map((one) => `<p>${prose(one)}</p>`)
  return pageOf(
    'Millrace: HTTP',
    `<h1>HTTP</h1>${said.join('')}<p>For programs: <a href="/api/openapi.json">/api/openapi.json</a> (OpenAPI 3.1).</p><nav>${nav}</nav>${sections.join('')}<h2 id="shapes">Shapes</h2>${shapes.join('')}<h2 id="problems">Problems</h2><table>${problems.join('')}</table>`,
  )
}

function article({
  method,
  path,
  summary,
  description,
  parameters = [],
  requestBody,
  responses,
  operationId,
}: Entry): string {
  const rows = parameters.map(
    (one) =>
      `<tr><td><code>${safe(one.name)}</code></td><td class="dim">${safe(one.in)}</td><td>${safe(typeOf(one.schema))}</td><td>${prose(one.description ?? '')}</td></tr>`,
  )
  const bodies = bodyOf(requestBody?.content).map(
    ({ media, type }) => `<details><summary>body, ${safe(media)}</summary><pre>${safe(type)}</pre></details>`,
  )
  const answers = Object.entries(responses ?? {})
    .filter(([status]) => status !== 'default')
    .flatMap(([status, { content }]) =>
      bodyOf(content).map(
        ({ media, type }) =>
          `<details><summary>${safe(status)}, ${safe(media)}</summary><pre>${safe(type)}</pre></details>`,
      ),
    )
  const more =
    description === undefined || description === ''
      ? ''
      : description
          .split('\n\n')
          .map((one) => `<p class="dim">${prose(one)}</p>`)
          .join('')
  return `<article id="${safe(operationId ?? '')}"><h3><b>${method}</b>${safe(path)}</h3><p>${prose(summary ?? '')}</p>${more}${rows.length === 0 ? '' : `<table>${rows.join('')}</table>`}${bodies.join('')}${answers.join('')}</article>`
}

/** The page in docs/reference. */
export function referenceText(contract: Contract): string {
  const sections = [...entriesByTag(contract)].map(([tag, entries]) => {
    const rows = entries.map(({ method, path, summary, description }) => {
      const scope = /Needs the scope `([^`]+)`/.exec(description ?? '')?.[1]
      return `| \`${method} ${path}\` | ${summary ?? ''} | ${scope === undefined ? 'open' : `\`${scope}\``} |`
    })
    return `## ${tag[0]?.toUpperCase()}${tag.slice(1)}\n\n| route | what it does | scope |\n|---|---|---|\n${rows.join('\n')}\n`
  })
  const problems = Object.entries(PROBLEMS).map(([code, [status, title]]) => `| \`${code}\` | ${status} | ${title} |`)
  return `# HTTP\n\nMade from the schemas of \`server/src/http\` by \`node tools/reference.ts --write\`. The server itself shows bodies and answers at \`/api/docs\`, and for programs at \`/api/openapi.json\` (OpenAPI 3.1). [The guide](../guides/http-api.md) walks through it.\n\n${contract.info?.description ?? ''}\n\n${sections.join('\n')}\n## Problems\n\n| code | status | title |\n|---|---|---|\n${problems.join('\n')}\n`
}
