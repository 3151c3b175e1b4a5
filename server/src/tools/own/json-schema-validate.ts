/** Does a document fit a JSON Schema, and if not, where? */
import { z } from 'zod'
import { ToolFailed } from '../envelope.ts'
import { defineTool } from '../runner.ts'

const MOST = 100

export default defineTool({
  name: 'json_schema_validate',
  version: '1.0.0',
  description:
    'Checks a JSON document against a JSON Schema (draft 2020-12, 7 or 4) and says each place that does not fit.',
  input: z.strictObject({
    schema: z.union([z.boolean(), z.record(z.string(), z.unknown())]),
    document: z.unknown(),
  }),
  output: z.object({
    valid: z.boolean(),
    problems: z.array(z.object({ pointer: z.string().describe('A JSON pointer.'), message: z.string() })),
    more: z.boolean().describe('There are more than 100 problems.'),
  }),
  errors: {
    NOT_UNDERSTOOD: {
      message:
        'The schema is none, or uses a keyword that is not checked here, such as if, not or unevaluatedProperties.',
      blame: 'caller',
    },
  },
  run({ schema, document }) {
    if (typeof schema === 'boolean') {
      const problems = schema ? [] : [{ pointer: '', message: 'nothing fits this schema' }]
      return { valid: schema, problems, more: false }
    }
    const type = understood(schema)
    const read = type.safeParse(document)
    const issues = read.success ? [] : read.error.issues
    const problems = issues.slice(0, MOST).map(({ path, message }) => ({ pointer: pointerOf(path), message }))
    return { valid: read.success, problems, more: issues.length > MOST }
  },
})

function understood(schema: Readonly<Record<string, unknown>>): z.ZodType {
  try {
    // Whatever its patterns do: this runs in a thread that is ended.
    return z.fromJSONSchema(schema)
  } catch (error) {
    throw new ToolFailed('NOT_UNDERSTOOD', {}, { cause: error })
  }
}

/** RFC 6901. */
const pointerOf = (path: readonly PropertyKey[]) =>
  path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
