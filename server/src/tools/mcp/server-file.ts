/** A server of tools in a person's folder: how it is reached, and which of its tools are wanted. */
import { isAbsolute, join } from 'node:path'
import { z } from 'zod'

const variable = z.string().regex(/^[A-Z][A-Z0-9_]*$/)

/** For a server that wants OAuth; each part may be left out for a person's sign-in. */
const signIn = z
  .strictObject({
    grant: z.enum(['person', 'program']).default('person').describe('Who signs in: somebody by `tools login`, or we.'),
    client: z.string().min(1).max(500).optional().describe('The id with which we are registered there.'),
    secret: variable.optional().describe('The variable of our environment that holds its secret.'),
    key: variable.optional().describe('The variable that holds a private key (PEM), instead of a secret.'),
    algorithm: z.enum(['RS256', 'ES256', 'EdDSA']).default('ES256').describe('Of the key.'),
    document: z
      .url({ protocol: /^https$/ })
      .optional()
      .describe('Where a document says who we are.'),
    scope: z.string().min(1).max(1_000).optional(),
    issuer: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe('Who issued them: they are sent nowhere else.'),
  })
  .refine(
    ({ grant, client, secret, key, issuer }) =>
      grant === 'person' ||
      (client !== undefined && issuer !== undefined && (secret === undefined) !== (key === undefined)),
    'a program needs client, issuer, and a secret or a key',
  )

const server = z
  .strictObject({
    command: z.array(z.string().min(1)).min(1).optional().describe('It speaks on standard input and output, or …'),
    env: z.record(z.string().regex(/^[A-Za-z_]\w*$/), z.string()).default({}),
    url: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe('… it is asked here, by Streamable HTTP.'),
    bearer: variable.optional().describe('The variable of our environment that holds its token.'),
    signIn: signIn.optional(),
    private: z.boolean().default(false).describe('Its address may be one of this machine or network.'),
    tools: z.array(z.string()).optional().describe('Their names over there; all if left out.'),
    timeoutMs: z.int().min(1).max(590_000).default(60_000),
    concurrency: z.int().min(1).max(1_000).default(4),
  })
  .refine(({ url, bearer, signIn: how }) => how === undefined || (url !== undefined && bearer === undefined), {
    path: ['signIn'],
    error: 'is for a url without a bearer',
  })
  .refine(({ command, url }) => (command === undefined) !== (url === undefined), 'has either a command or a url')
export type ServerFile = z.output<typeof server> & { readonly name: string }

/** @throws Error with what is wrong, in words that may be shown */
export function readServerFile(name: string, folder: string, text: string): ServerFile {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    throw new Error('it is not JSON')
  }
  const read = server.safeParse(document)
  if (!read.success) {
    const [issue] = read.error.issues
    throw new Error(`${issue?.path.map(String).join('.') || 'it'}: ${issue?.message ?? 'is not as it must be'}`)
  }
  if (!/^[a-z][a-z0-9_]{0,30}$/.test(name)) throw new Error('its name must be lower_snake, at most 31 letters')
  if (read.data.url !== undefined && /^https?:\/\/[^/]*@/.test(read.data.url)) {
    throw new Error('url: holds a password; name a variable in `bearer`')
  }
  const there = (part: string) => (part.startsWith('./') && !isAbsolute(part) ? join(folder, part) : part)
  return { ...read.data, name, ...(read.data.command === undefined ? {} : { command: read.data.command.map(there) }) }
}
